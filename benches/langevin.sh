#!/bin/sh
# The Langevin engine beside the C kernel of the same chains, as a markdown table on standard output.
#
# usage: benches/langevin.sh [FOLDER WITH em64_0] [ROUNDS]
#
# Every round runs the kernel and the engine one after the other on each problem; each keeps its best CPU time, so that other work on the
# machine hurts both alike. Without a folder only the engine is measured. Ten rounds take about two minutes on two free cores.
set -eu
cd "$(dirname "$0")/.."
PEERS=${1:-} ROUNDS=${2:-10} CARGO=${CARGO:-cargo}
[ -z "$PEERS" ] || [ -x "$PEERS/em64_0" ] || { echo "$PEERS has no program em64_0" >&2; exit 2; }
BENCH=$($CARGO bench --bench langevin --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
[ -n "$BENCH" ] || { echo "the bench was not built" >&2; exit 1; }
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
for round in $(seq "$ROUNDS"); do
  echo "round $round of $ROUNDS" >&2
  for problem in S1 S2 S3 S4a; do
    paths=51200; [ $problem = S4a ] && paths=8192
    [ -z "$PEERS" ] || "$PEERS/em64_0" $problem simd $paths 1000 2 >> "$LOG"
    for threads in 1 2; do "$BENCH" $problem $paths 2 $threads >> "$LOG"; done
  done
done
python3 - "$LOG" <<'PYTHON'
import json, sys
best = {}
for line in open(sys.argv[1]):
    run = json.loads(line)
    key = (run["peer"], run["problem"], run.get("threads", 1))
    steps = run["paths"] * run["steps"]
    cpu, wall = 1e9 * run["cpu_min_s"] / steps, 1e9 * run.get("wall_min_s", run["wall_s"]) / steps
    old = best.get(key, (cpu, wall))
    best[key] = (min(old[0], cpu), min(old[1], wall))
goals = {"S1": 0.6, "S2": 0.5, "S3": 0.5, "S4a": 0.7}
print("| problem | C, CPU ns a path-step | fpsolve, CPU ns a path-step | share of C (goal) | two threads, wall | two threads, CPU spent |")
print("|---|---|---|---|---|---|")
for problem, goal in goals.items():
    one, two = best["fpsolve", problem, 1], best["fpsolve", problem, 2]
    c = best.get(("C", problem, 1))
    ours = f"{c[0]:.2f} | {one[0]:.2f} | {c[0] / one[0]:.2f} ({goal})" if c else f"- | {one[0]:.2f} | - ({goal})"
    print(f"| {problem} | {ours} | {one[1] / two[1]:.2f} times one | {two[0] / one[0]:.2f} times one |")
PYTHON
