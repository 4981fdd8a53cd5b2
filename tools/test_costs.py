"""Prints what each test binary costs, as the table of CONTRIBUTING.md: python3 tools/test_costs.py [cargo options]

CPU seconds (all threads, child processes included) say more than wall seconds where other work shares the machine.
"""

import json
import os
import resource
import subprocess
import sys
import time


def binaries(options):
    """(name, executable, folder) of every test binary of the workspace, release profile."""
    command = ["cargo", "test", "--release", "--workspace", "--no-run", "--message-format=json", *options]
    built = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    for message in map(json.loads, built.splitlines()):
        if message.get("executable") and message["profile"]["test"]:
            folder = os.path.dirname(message["manifest_path"])
            source = os.path.relpath(message["target"]["src_path"])
            yield source, message["executable"], folder


def cpu():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


rows = []
for source, executable, folder in binaries(sys.argv[1:]):
    before, start = cpu(), time.monotonic()
    result = subprocess.run([executable, "--quiet"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows.append((cpu() - before, time.monotonic() - start, source, result.returncode))
print("| test binary | CPU s | wall s |")
print("|---|---|---|")
for spent, wall, source, code in sorted(rows, reverse=True):
    print(f"| `{source}`{' FAILED' if code else ''} | {spent:.1f} | {wall:.1f} |")
print(f"| together | {sum(row[0] for row in rows):.0f} | {sum(row[1] for row in rows):.0f} |")
