"""Several processes against several threads: a run of ensembles, and a sweep of 64 cases, as a markdown table.

usage: python3 benches/mpi.py [PROGRAM, built with MPI=1] [ROUNDS]

Every round runs all ways one after the other; each keeps its best wall time, with the CPU seconds of all its processes and the load of the machine when
it began. The numbers must be the same, bit for bit.
"""
import os, resource, shutil, subprocess, sys, tempfile, time

PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/fpsolve")
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
COMMON = """
model = { kind = "sample-loss", variables = ["x"], sample_loss = "(x^2 - 1)^2/4 + 0.6*z*x", data = { points = { z = [1, -1] } } }
dynamics = { learning_rate = 0.01, batch_size = 1 }
grid = { axes = [{ from = -2.5, to = 2.5, cells = 200 }] }
initial = { kind = "gaussian", mean = [-1.0], std = [0.1] }
"""
RUN = 'name = "run"\nengines = ["langevin", "sgd"]' + COMMON + """
time = { end = 10.0, outputs = 9 }
langevin = { walkers = 200000, step = 0.01 }
sgd = { walkers = 200000 }
"""
SWEEP = 'name = "cases"\nengines = ["sgd"]' + COMMON + """
time = { end = 10.0, outputs = 3 }
sgd = { walkers = 5000 }
[sweep]
over = { "dynamics.learning_rate" = [0.01, 0.011, 0.012, 0.013, 0.014, 0.015, 0.016, 0.017], seed = [1, 2, 3, 4, 5, 6, 7, 8] }
collect = ["sgd/mean/-1/x"]
"""
RANKS = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--quiet", "-n"]
WAYS = [
    ("one process, one thread", [], 1),
    ("one process, two threads", [], 2),
    ("two processes, one thread each", RANKS + ["2"], 1),
]


def measure(start, command, threads, files):
    """Wall seconds, CPU seconds, load, and a hash of the numbers."""
    for path in files:
        shutil.rmtree(path, ignore_errors=True)
    load, before, clock = os.getloadavg()[0], resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(start + [PROGRAM] + command + ["-q", "-f", "-o", "it.h5", "--threads", str(threads)], check=True)
    wall, after = time.monotonic() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    shown = subprocess.run([PROGRAM, "show", "--digest", "it.h5"], check=True, capture_output=True, text=True).stdout
    return wall, cpu, load, hash("".join(line for line in shown.splitlines() if "provenance" not in line))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    open("run.toml", "w").write(RUN)
    open("cases.toml", "w").write(SWEEP)
    print("| | | wall s | CPU s | load |\n|---|---|---|---|---|")
    for what, command, files in [("run", ["scenario", "run.toml"], []), ("64 cases", ["sweep", "cases.toml"], ["it"])]:
        found = {}
        for _ in range(ROUNDS):
            for name, start, threads in WAYS:
                found.setdefault(name, []).append(measure(start, command, threads, files))
        assert len({digest for each in found.values() for *_, digest in each}) == 1, "the numbers differ"
        for name, each in found.items():
            wall, cpu, load, _ = min(each)
            print(f"| {what} | {name} | {wall:.2f} | {cpu:.2f} | {load:.1f} |", flush=True)
