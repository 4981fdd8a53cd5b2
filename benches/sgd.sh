#!/bin/sh
# Speed of the SGD engine on S4b (benches/README.md) beside a C kernel of the same chain, in turns, and with two threads.
#   sh benches/sgd.sh [program of the C kernel] [rounds]
# The kernel is called as `KERNEL S4b simd PATHS STEPS REPEATS` and prints one JSON line with cpu_min_s, paths and steps; without
# it only the engine is measured. About 15 s a round on a quiet machine. The figures go to benches/README.md by hand.
set -eu
cd "$(dirname "$0")/.."
KERNEL=${1:-}
ROUNDS=${2:-3}
PATHS=10240

cargo bench --bench sgd --no-run 2>/dev/null || { echo "the bench does not build: cargo bench --bench sgd --no-run" >&2; exit 1; }
BENCH=$(cargo bench --bench sgd --no-run --message-format=json 2>/dev/null | sed -n 's/.*"executable":"\([^"]*sgd-[^"]*\)".*/\1/p' | tail -1)
LINES=$(mktemp)
trap 'rm -f "$LINES"' EXIT

best() { # smallest value of a key among the lines of a kind
    grep "\"kind\":\"$1\"" "$LINES" | sed "s/.*\"$2\":\([0-9.e+-]*\).*/\1/" | sort -g | head -1
}
keep() { sed "s/^{/{\"kind\":\"$1\",/" | tee -a "$LINES"; }

round=0
while [ "$round" -lt "$ROUNDS" ]; do
    [ -z "$KERNEL" ] || taskset -c 1 "$KERNEL" S4b simd $PATHS 2000 5 | keep kernel
    taskset -c 1 "$BENCH" sgd $PATHS 5 1 | keep one
    "$BENCH" sgd $PATHS 5 2 | keep two
    round=$((round + 1))
done
ONE=$(best one cpu_min_s)
python3 - "$PATHS" "$ONE" "$(best one wall_s)" "$(best two wall_s)" "$( [ -z "$KERNEL" ] || best kernel cpu_min_s )" <<'PY'
import sys
paths, cpu, wall, two = (float(x) for x in sys.argv[1:5])
steps = paths * 2000
print(f"fpsolve {cpu / steps * 1e9:.2f} ns a step, {steps / cpu / 1e6:.1f} M steps/s; two threads {wall / two:.2f} times one (wall)")
if sys.argv[5]:
    kernel = float(sys.argv[5])
    print(f"C kernel {kernel / steps * 1e9:.2f} ns a step; fpsolve reaches {kernel / cpu:.2f} of its speed")
PY
