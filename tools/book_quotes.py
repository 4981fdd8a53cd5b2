"""Tells which lines that pages of scenarios quote are not what the program prints today. Usage: tools/book_quotes.py PROGRAM RECORDS

RECORDS is the folder of tools/book_pictures.sh. Lines are compared up to blanks and line ends; "…" stands for anything. Rounding differs between
machines: what is told is to be looked at, and is no error.
"""

import re
import subprocess
import sys
from pathlib import Path


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


program, records = sys.argv[1], Path(sys.argv[2])
for page in sorted(Path("book/src/scenarios").glob("*.md")):
    record = records / f"{page.stem}.scenario.h5"
    printed = re.search(r"\*\*What it prints\.\*\*.*?```text\n(.*?)```", page.read_text(), re.S)
    if not (record.exists() and printed):
        continue
    summary = flat(subprocess.run([program, "show", "--summary", record], capture_output=True, text=True, check=True).stdout)
    for line in printed[1].splitlines():
        if any(flat(part) not in summary for part in line.split("…")):
            print(f"{page}: no longer printed: {line.strip()}")
