"""The command-line program, from the same library."""

import signal
import sys

from ._fpsolve import main as _main


def main() -> int:
    """Runs the program with the arguments of this process; gives its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the program listens itself
    return _main(["fpsolve", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
