#!/bin/sh
# The Fokker-Planck engine beside a SciPy program on the same problems, as markdown tables on standard output, in less than six minutes.
#
# usage: benches/fokker_planck.sh [FOLDER WITH peer_scipy.py AND problems.py] [PYTHON WITH numpy AND scipy]
#
# CPU seconds of the whole process (all threads); P1 and P2, which take less than a tick of the CPU clock, wall seconds of one of many
# runs in a row, the best of several such rows, for both. Without a folder only the engine is measured.
set -eu
cd "$(dirname "$0")/.."
PEERS=${1:-} PYTHON=${2:-python3} CARGO=${CARGO:-cargo} ROUNDS=${ROUNDS:-3}
[ -z "$PEERS" ] || [ -f "$PEERS/peer_scipy.py" ] || { echo "$PEERS has no peer_scipy.py" >&2; exit 2; }
BENCH=$($CARGO bench --bench fokker_planck --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
[ -n "$BENCH" ] || { echo "the bench was not built" >&2; exit 1; }
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
LOG=$WORK/log
# the two solves of the SciPy program once more, many times in a row
cat > "$WORK/again.py" <<'PYTHON'
import contextlib, io, json, runpy, sys, time
folder, name = sys.argv[1:]
sys.path.insert(0, folder)
sys.argv = ["peer_scipy.py", name, "lu"]
with contextlib.redirect_stdout(io.StringIO()):
    peer = runpy.run_path(f"{folder}/peer_scipy.py")
p, a = peer["p"], peer["A"]

def best(solve, repeats=20, rounds=9):
    least = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            solve()
        least = min(least, (time.perf_counter() - start) / repeats)
    return least

transient = best(lambda: peer["contour_expm"](a, p.rho0.ravel(), p.t))
stationary = best(lambda: peer["steady_state"](p, a))
print(json.dumps({"peer": "again", "problem": name, "transient_wall_s": transient, "stationary_wall_s": stationary}))
PYTHON
for round in $(seq "$ROUNDS"); do
  for problem in P1 P2 P3 P4; do
    echo "$problem, round $round of $ROUNDS" >&2
    case $problem in P1 | P2) mode=lu ;; *) mode=expm ;; esac
    # one core each, as the engine is measured
    [ -z "$PEERS" ] || OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$PYTHON" "$PEERS/peer_scipy.py" $problem $mode | sed -n 's/^RESULT //p' >> "$LOG"
    case $problem in
      P1 | P2) [ -z "$PEERS" ] || OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$PYTHON" "$WORK/again.py" "$PEERS" $problem >> "$LOG" ;;
    esac
    case $problem in P1 | P2) cells=512 end=1 ;; *) cells=256 end=1 ;; esac
    [ $problem != P2 ] || end=10
    "$BENCH" $problem $cells $end 1 "$WORK/$problem" >> "$LOG"
  done
done
for condition in 10 100 1000; do
  echo "P5, condition $condition" >&2
  for mode in expm mono; do
    [ -z "$PEERS" ] || FP_ANISO=$("$PYTHON" -c "print(1 / $condition)") OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$PYTHON" "$PEERS/peer_scipy.py" P5 $mode \
      | sed -n 's/^RESULT //p' | sed "s/^{/{\"condition\": $condition, \"mode\": \"$mode\", /" >> "$LOG"
  done
  "$BENCH" P5-"$condition" 128 1 1 "$WORK/P5-$condition" >> "$LOG"
done
while read -r problem cells end; do
  echo "$problem, $cells cells an axis, t = $end" >&2
  "$BENCH" "$problem" "$cells" "$end" 1 >> "$LOG"
done <<RUNS
P3 512 1
P3 1024 1
current 256 1
current 512 1
current 1024 1
cube 128 1
cube 128 600
cube-current 128 1
RUNS
"$PYTHON" - "$LOG" "$WORK" "$PEERS" <<'PYTHON'
import json, sys
log, work, peers = sys.argv[1:]
runs = [json.loads(line) for line in open(log)]
ours = [r for r in runs if r["peer"] == "fpsolve"]
least = lambda rows, key: min(r[key] for r in rows)

def error(name):
    """L1 errors of the transient and the stationary density, with the peers' own references."""
    if not peers:
        return None
    sys.path.insert(0, peers)
    import numpy as np, os, problems
    plain, _, condition = name.partition("-")
    os.environ["FP_ANISO"] = repr(1 / float(condition or 10))
    problem = problems.get(plain)
    both = np.fromfile(f"{work}/{name}").reshape((2,) + problem.rho0.shape)
    volume = problem.h ** problem.dim
    references = problems.transient_ref(problem), problems.steady_ref(problem)
    return [float(np.abs(a - b).sum() * volume) for a, b in zip(both, references)]

def ratio(theirs, mine):
    times = theirs / max(mine, 1e-9)
    return f"1/{times:.1f}" if times < 10 else f"1/{times:.0f}"

print("| problem | SciPy transient, stationary, s | L1 | fpsolve transient, generator and stationary, s | L1 | ratios (goals) |")
print("|---|---|---|---|---|---|")
goals = {"P1": (5, None), "P2": (5, None), "P3": (20, 5), "P4": (20, 5)}
for name, (fast, still) in goals.items():
    small = name in ("P1", "P2")
    mine = [r for r in ours if r["problem"] == name and r["cells"] == (512 if small else 256) and r["end"] in (1, 10)]
    t, s = (least(mine, "transient_wall_s" if small else "transient_s"), least(mine, "stationary_wall_s" if small else "stationary_s"))
    form = (lambda x: f"{x:.6f}") if small else (lambda x: f"{x:.4f}")
    theirs = [r for r in runs if r["peer"] not in ("fpsolve", "again") and r["problem"] == name]
    if not theirs:
        print(f"| {name} | - | - | {form(t)}, {form(s)} | - | - |")
        continue
    if small:
        again = [r for r in runs if r["peer"] == "again" and r["problem"] == name]
        a, b = least(again, "transient_wall_s"), least(again, "stationary_wall_s")
    else:
        a, b = least(theirs, "cpu_trans"), least(theirs, "cpu_steady")
    l1 = error(name)
    ratios = f"{ratio(a, t)} (1/{fast}), {ratio(b, s)}" + (f" (1/{still})" if still else "")
    print(f"| {name} | {form(a)}, {form(b)} | {theirs[0]['L1_t']:.1e}, {theirs[0]['L1_s']:.1e} | {form(t)}, {form(s)} "
          f"| {l1[0]:.1e}, {l1[1]:.1e} | {ratios} |")
print()
print("| condition of P5 | SciPy central: L1, s | SciPy monotone: L1, s | fpsolve: L1, smallest, s (by) | goal |")
print("|---|---|---|---|---|")
for condition, goal in ((10, ".003, .004"), (100, ".005, .008"), (1000, ".007, .010")):
    mine = next(r for r in ours if r["problem"] == f"P5-{condition}")
    columns = []
    for mode in ("expm", "mono"):
        theirs = [r for r in runs if r.get("condition") == condition and r.get("mode") == mode]
        columns += [f"{r['L1_t']:.1e}, {r['L1_s']:.1e}; {r['cpu_trans'] + r['cpu_steady']:.2f}" for r in theirs] or ["-"]
    l1 = error(f"P5-{condition}")
    said = f"{l1[0]:.1e}, {l1[1]:.1e}" if l1 else "-"
    seconds = mine["stationary_s"] + mine["transient_s"]
    print(f"| {condition} | {columns[0]} | {columns[1]} | {said}; {mine['min']:.1e}; {seconds:.2f} ({mine['method']}) | {goal} |")
print()
print("| problem | cells | end | generator and stationary, s (by) | transient, s (by) | µs a cell | peak memory, MB |")
print("|---|---|---|---|---|---|---|")
for r in [r for r in ours if r["problem"] in ("P3", "current", "cube", "cube-current")]:
    if r["problem"] == "P3" and r["cells"] == 256 and r is not next(x for x in ours if x["problem"] == "P3"):
        continue
    d = 3 if r["problem"].startswith("cube") else 2
    per = 1e6 / r["cells"] ** d
    print(f"| {r['problem']} | {r['cells']}{'²³'[d - 2]} | {r['end']} | {r['stationary_s']:.3f} ({r['stationary']}) "
          f"| {r['transient_s']:.3f} ({r['method']}) | {r['stationary_s'] * per:.2f}, {r['transient_s'] * per:.2f} | {r['peak_mb']} |")
PYTHON
