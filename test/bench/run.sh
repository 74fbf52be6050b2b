#!/bin/bash
# SPDX-License-Identifier: MIT
# Benchmarks, the plots, and what became of each demand:   run.sh [store] [block] [slow]   (default: all). What is printed is
# in report.md of $OUT (build/bench), too. See store.sh for single ones of the store.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export OUT=${OUT:-$here/../../build/bench}
rm -rf "$OUT"
mkdir -p "$OUT"
exec > >(tee "$OUT/report.md")
status=0
[ $# -gt 0 ] || set -- store block slow
echo "$(nproc) processors, load $(cut -d ' ' -f 1-3 /proc/loadavg); times in ms, medians (min..max), ratios of minima"
for part; do
    [ ! -e "$here/$part.sh" ] || bash "$here/$part.sh" || status=1
done
if [[ " $* " == *" store "* ]] && command -v gnuplot >/dev/null; then
    gnuplot -e "out='$OUT'" "$here/plots.gp"
    printf '\nplots: %s/*.svg\n' "$OUT"
fi
printf '\n## demands\n\n'
awk -F '\t' '{ printf "%-7s %-12s %s: %s (%s)\n", $5, $1, $2, $3, $4; n[$5]++ }
    END { printf "\n%d demands met, %d missed\n", n["met"], n["MISSED"] }' "$OUT/verdicts.tsv"
exit $status
