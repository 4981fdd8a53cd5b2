#!/usr/bin/env python3
"""Kills runs at random moments and resumes them: each must end bit for bit as one that was never stopped.

    python3 tools/kill_and_resume.py MOMENTS SCENARIO...

MOMENTS signals in all (SIGKILL; every fourth SIGTERM), spread over the scenarios: a run is started, stopped at a random moment, resumed and stopped
again while it lasts and at most three times, then resumed to its end, on one and two threads in turn. Every dataset and attribute outside
/provenance is compared. Prints the counts; exit code 1 where anything differs. Needs h5py; FPSOLVE names the program.
"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

PROGRAM = os.environ.get("FPSOLVE", "target/release/fpsolve")
EVERY = "output.checkpoint=\"0.1 s\""


def content(path):
    """Everything in a record but its provenance, as bytes by name."""
    found = {}

    def note(name, item):
        if name.split("/")[0] == "provenance":
            return
        if isinstance(item, h5py.Dataset):
            values = item[()]
            found[name] = values.tobytes() if values.dtype.kind in "fi" else repr(values.tolist())
        for key, value in item.attrs.items():
            if key not in ("DIMENSION_LIST", "REFERENCE_LIST"):
                found[f"{name}@{key}"] = np.float64(value).tobytes() if isinstance(value, float) else repr(value)

    with h5py.File(path) as record:
        note("", record)
        record.visititems(note)
    return found


def status(path):
    with h5py.File(path) as record:
        return record.attrs["status"]


def main():
    moments, scenarios = int(sys.argv[1]), sys.argv[2:]
    rng = random.Random(13)
    counts = dict(moments=0, nothing=0, checkpoint=0, finished=0, compared=0, different=0)
    with tempfile.TemporaryDirectory() as folder:
        part, whole = os.path.join(folder, "part.h5"), os.path.join(folder, "whole.h5")

        def run(*arguments):
            quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return subprocess.Popen([PROGRAM, *arguments, "-q"], **quiet)

        def start(scenario, path, *more):
            return run("scenario", scenario, "-o", path, "-f", "--set", EVERY, *more)

        def again():
            return run("resume", part, "--threads", str(1 + counts["moments"] % 2))

        base = []
        for scenario in scenarios:
            begun = time.time()
            code = start(scenario, whole).wait()
            assert code in (0, 3), f"{scenario}: {code}"
            base.append((scenario, time.time() - begun, content(whole)))
            print(f"{scenario}: {base[-1][1]:.1f} s, {len(base[-1][2])} datasets and attributes", flush=True)
        while counts["moments"] < moments:
            scenario, seconds, wanted = base[rng.randrange(len(base))]
            if os.path.exists(part):
                os.remove(part)
            child = start(scenario, part)
            for _ in range(rng.randint(1, 3)):
                time.sleep(rng.uniform(0.02, 1.0) * seconds)
                ended = child.poll() is not None
                child.send_signal(signal.SIGTERM if counts["moments"] % 4 == 3 else signal.SIGKILL)
                child.wait()
                counts["moments"] += 1
                there = os.path.exists(part)
                counts["finished" if ended else "checkpoint" if there else "nothing"] += 1
                child = again() if there else start(scenario, part)
            assert child.wait() in (0, 3), f"{scenario}: {child.returncode}"
            found = content(part)
            counts["compared"] += 1
            differ = [key for key in sorted(set(found) | set(wanted)) if found.get(key) != wanted.get(key)]
            if differ or status(part) != "complete":
                counts["different"] += 1
                print(f"{scenario}: {len(differ)} differ: {differ[:8]}", flush=True)
    print(counts)
    return counts["different"] > 0


sys.exit(main())
