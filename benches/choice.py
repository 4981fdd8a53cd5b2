"""What the choice between edge generator and long-step chain costs, and whether it is right: a markdown table on standard output.

usage: python3 benches/choice.py [PROGRAM] [CASE ...]

Each case as a Fokker-Planck run of one thread, edges forced, the chain forced, and as the program chooses: estimated L1 errors (worst over the times / at
rest) and CPU seconds of the whole process, reading, record and comparison included. A way that takes longer than LIMIT seconds has its time as a bound.
"""
import json, os, resource, subprocess, sys, tempfile

PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/fpsolve")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios")
LIMIT = 60
WAYS = ["edges", "chain", "auto"]


def case(drift, diffusion, half, mean, variance, end, cells):
    """A problem with the diffusion matrix A on a box of ± half, from a Gaussian, as a scenario."""
    axis, d = f"{{ from = {-half}, to = {half}, cells = {cells} }}", len(drift)
    return f"""
name = "case"
engines = ["fokker-planck"]
model = {{ kind = "formula", variables = {["x", "y"][:d]}, drift = {drift} }}
noise = {{ kind = "formula", diffusion = {diffusion} }}
dynamics = {{ temperature = 1.0 }}
grid = {{ axes = [{", ".join([axis] * d)}] }}
initial = {{ kind = "gaussian", mean = {mean}, std = {[variance ** 0.5] * d} }}
time = {{ at = [0, {end}] }}
"""


def p5(condition, cells=128):
    r = 1 / condition
    a = [0.075 + 0.025 * r, 0.1 * (1 - r) * 3 ** 0.5 / 4, 0.025 + 0.075 * r]
    rows = [[f"{a[0]}", f"{a[1]}"], [f"{a[1]}", f"{a[2]}"]]
    return case(["-x - 0.5*y", "-0.5*x - 2*y"], rows, 2.0, [0.8, -0.4], 0.05, 1.0, cells)


CASES = {
    "P1": case(["-x"], [["0.1"]], 4.0, [1.0], 0.02, 1.0, 512),
    "P2": case(["x - x^3"], [["0.02"]], 2.5, [-1.0], 0.02, 10.0, 512),
    "P3": case(["x - x^3 - 0.3*y", "-y - 0.3*x"], [["0.05", "0"], ["0", "0.05"]], 2.5, [-1.0, 0.3], 0.02, 1.0, 256),
    "P4": case(["-x", "-y"], [["0.05*(1 + x^2)", "0"], ["0", "0.05*(1 + y^2)"]], 4.0, [1.0, -0.5], 0.05, 1.0, 256),
    **{f"P5, condition {c}": p5(c) for c in (10, 100, 1000)},
    **{f"P5, condition 100, {n}²": p5(100, n) for n in (48, 50, 52)},
    **{name: None for name in "transient transient-2d phase-retrieval deep-linear relu matrix-factorisation logistic".split()},
}


def run(path, way):
    """Errors, CPU seconds, and what was chosen."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [PROGRAM, "scenario", path, "--engine", "fokker-planck", "--set", f"fokker_planck.discretisation={way}"]
    command += ["--data-folder", HERE, "--threads", "1", "-q", "-f", "-o", "it.h5"]
    if os.path.exists("it.h5"):
        os.remove("it.h5")

    def bounded():
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))

    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=bounded)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not os.path.exists("it.h5"):
        why = next((line for line in done.stderr.splitlines() if line.strip()), "no result")
        return {"cpu": cpu, "word": f"no result ({why.strip(' ×')[:60]})" if cpu < LIMIT else f"no result within {LIMIT} s"}
    groups = json.loads(subprocess.run([PROGRAM, "show", "--json", "it.h5"], capture_output=True, text=True).stdout)["groups"]
    if "fokker_planck" not in groups:
        why = groups["engines"]["failure"][0].split(":")[0]
        return {"cpu": cpu, "word": f"fails ({why[:80]}); {cpu:.2f}"}
    engine, rest = groups["fokker_planck"], groups.get("stationary", {})
    number = lambda v: "–" if v is None else f"{v:.1e}"
    word = f"{number(engine.get('error_grid'))} / {number(rest.get('error_grid'))}; {cpu:.2f}"
    return {"cpu": cpu, "word": word, "by": engine["discretisation"], "reason": engine["discretisation_reason"]}


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    print("| case | edges: error; CPU s | chain | auto | taken | auto over the forced run |\n|---|---|---|---|---|---|")
    for name, text in CASES.items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        path = os.path.join(HERE, f"{name}.toml")
        if text:
            path = "case.toml"
            open(path, "w").write(text)
        found = {way: run(path, way) for way in WAYS}
        auto = found["auto"]
        over = auto["cpu"] / found[auto["by"]]["cpu"] if "by" in auto else float("nan")
        print("|", " | ".join([name] + [found[way]["word"] for way in WAYS] + [auto.get("by", ""), f"{over:.2f}"]), "|", flush=True)
        print(name, "--", auto.get("reason", ""), file=sys.stderr, flush=True)
