# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For the benchmarks, which source this first: a private store (see test/lib/testlib.sh), samples, tables, and whether a
# demand is met. A benchmark takes turns: each round measures everything once, on a fresh store each, so that what is
# compared was measured side by side. Tables show medians with min..max, the noise; ratios are of minima.
#
# Read from the environment:
#   ROUNDS   how many rounds (each benchmark has its own number)
#   QUICK=1  small numbers, to see that it works: the figures mean nothing
#   OUT      where samples (CSV) and verdicts go (build/bench)
# shellcheck disable=SC2034  # variables for those who source this
export AWAIT_MS=${AWAIT_MS:-120000}
TRACE=${TRACE:-off} # it takes about as long as the store's work does
# shellcheck source=test/lib/testlib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
tools=${RIG_BUILD:-$repo/build}/test/bench
OUT=${OUT:-$repo/build/bench}
bench=$(basename "$0" .sh)
mkdir -p "$OUT"
csv=$OUT/$bench.csv
echo "bench,variant,n,value" >"$csv"
sed -i "/^$bench\t/d" "$OUT/verdicts.tsv" 2>/dev/null || true
printf '\n## %s\n\n' "$bench"

# either QUICK-VALUE VALUE
either() { [ -n "${QUICK:-}" ] && echo "$1" || echo "$2"; }

# ---- samples

# sample VARIANT N VALUE...
sample() {
    printf "$bench,$1,$2,%s\n" "${@:3}" >>"$csv"
}

# of STATISTIC VARIANT N: min, median, max, p99 or mean of the samples
of() {
    awk -F, -v v="$2" -v n="$3" '$2 == v && $3 == n { print $4 }' "$csv" | sort -g | awk -v want="$1" '
        { x[NR] = $1; sum += $1 }
        END {
            if (want == "min") print x[1]
            if (want == "max") print x[NR]
            if (want == "mean") print sum / NR
            if (want == "median") print x[int((NR + 1) / 2)]
            if (want == "p99") print x[int(NR * 0.99 + 0.999999)]
        }'
}

# calc EXPRESSION [DIGITS]
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }

# ms VARIANT N: the samples are microseconds
ms() {
    printf '%s (%s..%s)' "$(calc "$(of median "$1" "$2") / 1000" 1)" "$(calc "$(of min "$1" "$2") / 1000" 1)" \
        "$(calc "$(of max "$1" "$2") / 1000" 1)"
}

# ---- tables

row() {
    printf '|'
    printf ' %s |' "$@"
    printf '\n'
}

table() {
    row "$@"
    printf '|'
    printf '%.0s-|' "$@"
    printf '\n'
}

# demand NAME VALUE <=|>= BOUND: prints what became of it, for the row, and keeps it for the end
demand() {
    local became
    became=$(awk -v v="$2" -v b="$4" -v op="$3" 'BEGIN { print (op == "<=" ? v <= b : v >= b) ? "met" : "MISSED" }')
    printf '%s\t%s\t%s\t%s %s\t%s\n' "$bench" "$1" "$2" "$3" "$4" "$became" >>"$OUT/verdicts.tsv"
    echo "$became"
}

# ---- what is measured

# Everything from the beginning: no xenrecon, no nodes.
fresh_store() {
    stop_xenrecon
    stop_store
    rm -f "$dir/trace" "$dir/xenrecon.log"
    start_store
}

# Starts xenrecon with the policies that were made.
serve() {
    start_xenrecon --policies "$policies" --resync 0
}

# alone N, served N: samples of a burst with nobody watching, and with xenrecon; for those who define burst N [--await]
alone() {
    fresh_store
    sample alone "$1" "$(burst "$1")"
}
served() {
    fresh_store
    serve
    sample xenrecon "$1" "$(burst "$1" --await | cut -d ' ' -f 2)"
}

# in_turns N FEW: one of each; four, where N is so small that more is needed to find a minimum
in_turns() {
    local again
    for ((again = $1 <= $2 ? 4 : 1; again > 0; again--)); do
        alone "$1"
        served "$1"
    done
}

store_pid() { cat "$dir/pid"; }
# Nanoseconds on a processor, of a process.
cpu_of() { cut -d ' ' -f 1 "/proc/$1/schedstat"; }
# KiB of anonymous memory.
memory_of() { sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }

# devices_in STATE: how many there are, of all guests
devices_in() { xenstore-ls -f $backends/qdisk 2>/dev/null | grep -c "/state = \"$1\"" || true; }

# await_created N: until the log says so of N devices
await_created() {
    local end=$((SECONDS + AWAIT_MS / 1000))
    until [ "$(grep -c ': create: ' "$dir/xenrecon.log")" -ge "$1" ]; do
        [ $SECONDS -le $end ] || {
            fail "not all of $1 devices were created"
            return 0
        }
        sleep 0.1
    done
}
