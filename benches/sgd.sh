#!/bin/sh
# The SGD engine beside the C kernel of the same chain (S4b), as a markdown table on standard output.
#
# usage: benches/sgd.sh [FOLDER WITH em64_0] [ROUNDS]
#
# Every round runs the kernel and the engine one after the other; each keeps its best CPU time, so that other work on the machine
# hurts both alike. Without a folder only the engine is measured. Ten rounds take less than two minutes on two free cores.
set -eu
cd "$(dirname "$0")/.."
PEERS=${1:-} ROUNDS=${2:-10} CARGO=${CARGO:-cargo}
[ -z "$PEERS" ] || [ -x "$PEERS/em64_0" ] || { echo "$PEERS has no program em64_0" >&2; exit 2; }
BENCH=$($CARGO bench --bench sgd --no-run 2>&1 | tee /dev/stderr | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
[ -n "$BENCH" ] || { echo "the bench was not built" >&2; exit 1; }
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
for round in $(seq "$ROUNDS"); do
  echo "round $round of $ROUNDS" >&2
  [ -z "$PEERS" ] || "$PEERS/em64_0" S4b simd 10240 2000 2 >> "$LOG"
  for threads in 1 2; do "$BENCH" sgd 10240 2 $threads >> "$LOG"; done
done
"$BENCH" all 1024 1 1 >> "$LOG"
python3 - "$LOG" <<'PYTHON'
import json, sys
best = {}
for line in open(sys.argv[1]):
    run = json.loads(line)
    variant = "sgd" if run["peer"] == "C" else run["variant"]
    key = (run["peer"], variant, run.get("threads", 1))
    steps = run["paths"] * run["steps"]
    cpu, wall = 1e9 * run["cpu_min_s"] / steps, 1e9 * run.get("wall_min_s", run["wall_s"]) / steps
    old = best.get(key, (cpu, wall))
    best[key] = (min(old[0], cpu), min(old[1], wall))
one, two, c = best["fpsolve", "sgd", 1], best["fpsolve", "sgd", 2], best.get(("C", "sgd", 1))
print("| problem | C, CPU ns a step | fpsolve, CPU ns a step | share of C (goal) | two threads, wall | two threads, CPU spent |")
print("|---|---|---|---|---|---|")
ours = f"{c[0]:.2f} | {one[0]:.2f} | {c[0] / one[0]:.2f} (0.6)" if c else f"- | {one[0]:.2f} | - (0.6)"
print(f"| S4b | {ours} | {one[1] / two[1]:.2f} times one | {two[0] / one[0]:.2f} times one |")
print()
print("| optimizer or sampling | CPU ns a step |")
print("|---|---|")
for (peer, variant, threads), (cpu, _) in best.items():
    if peer == "fpsolve" and threads == 1:
        print(f"| {variant} | {cpu:.1f} |")
PYTHON
