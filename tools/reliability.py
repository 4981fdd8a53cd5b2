#!/usr/bin/env python3
"""Measures what CI has no time for: interruption, full disks, and memory against the limit.

    python3 tools/reliability.py interruption [MOMENTS]     every shipped scenario, interrupted at random moments; the worst reaction
    python3 tools/reliability.py filesize [RUNS]            runs under RLIMIT_FSIZE, signal of the default action and ignored
    python3 tools/reliability.py memory                     peak of scenarios of many sizes against the limit that is estimated for them
    python3 tools/reliability.py time                       estimated against real seconds of every shipped scenario

The program is target/release/fpsolve, or FPSOLVE. Seeds are fixed; the moments are those of the machine.
"""
import glob
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(os.environ.get("FPSOLVE", "target/release/fpsolve"))
SHIPPED = sorted(os.path.abspath(path) for path in glob.glob("scenarios/*.toml"))
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def run(arguments, folder, **more):
    return subprocess.run([PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, **more)


def valid(record, folder):
    return run(["show", record], folder).returncode == 0


def interruption(moments=20):
    dice, worst, counts = random.Random(7), (0.0, ""), {}
    for scenario in SHIPPED:
        name, slowest = os.path.basename(scenario), 0.0
        with tempfile.TemporaryDirectory() as folder:
            start = time.time()
            run(["scenario", scenario, "-q", "-o", "whole.h5"], folder)
            whole = time.time() - start
            for _ in range(moments):
                moment = dice.uniform(0.05, max(0.06, min(whole, 20.0)))
                child = subprocess.Popen([PROGRAM, "scenario", scenario, "-q", "-f", "-o", "r.h5"], cwd=folder)
                time.sleep(moment)
                sent = time.time()
                child.send_signal(dice.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
                code = child.wait(timeout=60)
                reaction = time.time() - sent
                kind = {130: "interrupted"}.get(code, "finished" if code in (0, 3) else f"code {code}")
                if code in (0, 3, 130) and not valid("r.h5", folder):
                    kind = "BAD RECORD"
                counts[kind] = counts.get(kind, 0) + 1
                if code == 130:
                    slowest = max(slowest, reaction)
                if os.path.exists(os.path.join(folder, "r.h5")):
                    os.remove(os.path.join(folder, "r.h5"))
        worst = max(worst, (slowest, name))
        print(f"{name:32} whole {whole:6.2f} s, slowest reaction {slowest:5.2f} s", flush=True)
    print(f"{counts}; worst {worst[0]:.2f} s ({worst[1]})")


SMALL = """
name = "small"
engines = ["fokker-planck"]
model = { kind = "formula", variables = ["x"], loss = "x^2/2" }
noise = { kind = "isotropic" }
dynamics = { temperature = 0.5 }
grid = { axes = [{ from = -4, to = 4, cells = 64 }] }
initial = { kind = "gaussian", mean = [0.0], std = [0.5] }
time = { end = 1.0, outputs = 8 }
"""


def filesize(runs=1000):
    dice, counts = random.Random(11), {}
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "small.toml"), "w") as file:
            file.write(SMALL)
        run(["scenario", "small.toml", "-q", "-o", "old.h5"], folder)
        with open(os.path.join(folder, "old.h5"), "rb") as file:
            old = file.read()
        for k in range(runs):
            limit = dice.randrange(0, int(1.2 * len(old)))

            def bounded(k=k, limit=limit):
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL if k % 2 == 0 else signal.SIG_IGN)

            code = run(["scenario", "small.toml", "-q", "-f", "-o", "old.h5"], folder, preexec_fn=bounded).returncode
            with open(os.path.join(folder, "old.h5"), "rb") as file:
                same = file.read() == old
            whole = same or valid("old.h5", folder)
            kind = f"code {code}, " + ("old record" if same else "new record" if whole else "BAD RECORD")
            counts[kind] = counts.get(kind, 0) + 1
            with open(os.path.join(folder, "old.h5"), "wb") as file:
                file.write(old)
        left = [name for name in os.listdir(folder) if name.startswith(".fpsolve")]
    print(f"{runs} runs: {counts}; unfinished files left: {len(left)}")


def sizes():
    """Some fifty small problems of many kinds: name, text."""
    for d, cells in [(1, 100), (1, 1000), (1, 5000), (2, 40), (2, 100), (2, 200), (3, 12), (3, 24)]:
        names = ["x", "y", "z"][:d]
        axes = ", ".join("{ from = -2.5, to = 2.5, cells = %d }" % cells for _ in names)
        loss = " + ".join(["(x^2 - 1)^2/4"] + [f"{name}^2/2" for name in names[1:]])
        for noise in ['{ kind = "isotropic" }', '{ kind = "formula", diffusion = %s }' % tensor(d)]:
            for engines, more in [
                ('"fokker-planck"', "time = { end = 1.0, outputs = 5 }"),
                ('"langevin"', "time = { end = 0.2, outputs = 3 }\nlangevin = { walkers = 400000, step = 0.1 }"),
                ('"fokker-planck", "langevin"', "time = { end = 0.2, outputs = 20 }\nlangevin = { walkers = 100000, step = 0.1 }"),
            ]:
                text = f"""
engines = [{engines}]
model = {{ kind = "formula", variables = {str(names).replace("'", '"')}, loss = "{loss}" }}
noise = {noise}
dynamics = {{ temperature = 0.3 }}
grid = {{ axes = [{axes}] }}
initial = {{ kind = "gaussian", mean = {[-1.0] + [0.0] * (d - 1)}, std = {[0.4] * d} }}
{more}
"""
                yield f"{cells}^{d} {noise[10:17]} {engines}", text


def tensor(d):
    entry = lambda i, j: f'"1 + x^2/8"' if i == j else '"0.1"'
    return "[" + ", ".join("[" + ", ".join(entry(i, j) for j in range(d)) + "]" for i in range(d)) + "]"


def memory():
    over, tight = [], []
    for name, text in sizes():
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "s.toml"), "w") as file:
                file.write(text)
            said = run(["check", "s.toml"], folder).stdout.split("\nMemory")[1].split("\nTime")[0]
            number, unit = re.search(r"together +([\d.]+) (\w+)", said).groups()
            estimate = float(number) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]
            arguments = [PROGRAM, "scenario", "s.toml", "-q", "-o", "r.h5", "--memory-limit", str(int(estimate * 1.01))]
            child = subprocess.Popen(arguments, cwd=folder, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024
        tight.append(estimate / peak)
        if peak > estimate * 1.01 or code not in (0, 3):
            over.append(name)
        print(f"{name:60} code {code} peak {peak / 2**20:7.1f} MiB, estimate {estimate / 2**20:7.1f} MiB", flush=True)
    tight.sort()
    print(f"{len(tight)} scenarios; over the limit or failed: {over}; estimate/peak from {tight[0]:.2f} to {tight[-1]:.2f}")


def seconds(words):
    number, unit = words.split()
    return float(number) * UNITS.get(unit, 3e7)


def estimates():
    ratios = []
    for scenario in SHIPPED:
        with tempfile.TemporaryDirectory() as folder:
            said = run(["check", scenario, "--time-limit", "9 days"], folder).stdout.split("\nTime")[1]
            expected = seconds(re.search(r"together +([\d.e-]+ \w+)", said).group(1))
            start = time.time()
            run(["scenario", scenario, "-q", "-o", "r.h5", "--time-limit", "9 days"], folder)
            real = time.time() - start
        ratios.append(expected / real)
        print(f"{os.path.basename(scenario):32} expected {expected:8.2f} s, real {real:8.2f} s, ratio {expected / real:.2f}", flush=True)
    within = sum(0.5 <= ratio <= 2 for ratio in ratios)
    print(f"{within} of {len(ratios)} within a factor of 2")


if __name__ == "__main__":
    commands = {"interruption": interruption, "filesize": filesize, "memory": memory, "time": estimates}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*(int(number) for number in sys.argv[2:]))
