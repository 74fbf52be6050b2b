#!/bin/bash
# SPDX-License-Identifier: MIT
# All benchmarks, the plots, and what became of each demand. See store.sh for single ones.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export OUT=${OUT:-$here/../../build/bench}
rm -rf "$OUT"
mkdir -p "$OUT"
status=0
echo "$(nproc) processors, load $(cut -d ' ' -f 1-3 /proc/loadavg); times in ms, medians (min..max), ratios of minima"
bash "$here/store.sh" || status=1
[ ! -e "$here/block.sh" ] || bash "$here/block.sh" || status=1
bash "$here/slow.sh" || status=1
if command -v gnuplot >/dev/null; then
    gnuplot -e "out='$OUT'" "$here/plots.gp"
    printf '\nplots: %s/*.svg\n' "$OUT"
fi
printf '\n## demands\n\n'
awk -F '\t' '{ printf "%-7s %-12s %s: %s (%s)\n", $5, $1, $2, $3, $4; n[$5]++ }
    END { printf "\n%d demands met, %d missed\n", n["met"], n["MISSED"] }' "$OUT/verdicts.tsv"
exit $status
