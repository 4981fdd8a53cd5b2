"""Records that others wrote are read in a child process first: the HDF5 library does not survive every damaged file."""

import os
import subprocess
import sys
from pathlib import Path

from . import _fpsolve

# the extension alone, without this package and what it imports, so that the child starts in some hundredths of a second
_CHILD = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("_fpsolve", sys.argv[1])
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)
sys.exit(extension.main(["fpsolve", "show", "--", sys.argv[2]]))
"""


def check(record: Path) -> None:
    """Reads a record in a child process with bounds on memory and time. Raises RecordError: it cannot be read, or ends the child."""
    if not sys.executable:  # embedded in a program that names no interpreter
        return
    command = [sys.executable, "-S", "-c", _CHILD, _fpsolve.__file__, os.fspath(record)]
    environment = {**os.environ, "FPSOLVE_CHILD": "1", "NO_COLOR": "1"}
    # the child ends when its standard input closes: with this process at the latest
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        try:
            assert child.stderr is not None
            said = child.stderr.read().decode(errors="replace")
            child.wait()
        except BaseException:
            child.kill()
            raise
    if child.returncode < 0:
        what = f"the file is damaged: reading it ended with signal {-child.returncode}"
        raise _fpsolve.RecordError(f"{record}: {what}; run the scenario again, or restore the record from a copy")
    if child.returncode:
        raise _fpsolve.RecordError(said.strip().removeprefix("error: "))
