# SPDX-License-Identifier: MIT
# Cost against N, from the samples in the CSV files:   gnuplot -e "out='build/bench'" plots.gp
set terminal svg size 720,440 font "sans,12" background "white"
set datafile separator whitespace
set key left top
set grid
set logscale x 2
set style data yerrorlines
# N, median, least and most of a variant's samples, divided by a number or by N too
series(file, variant, by) = sprintf("< awk -F, '$2 == \"%s\" { print $3, $4 / (%s) }' %s/%s.csv 2>/dev/null | sort -k1,1n -k2,2g | " . \
    "awk 'function out() { if (n) print at, x[int((n + 1) / 2)], x[1], x[n]; n = 0 } " . \
    "$1 != at { out(); at = $1 } { x[++n] = $2 } END { out() }'", variant, by, out, file)
there(file, variant) = system(sprintf("cat %s/%s.csv 2>/dev/null | grep -c ',%s,' || true", out, file, variant)) + 0

if (there("burst", "alone")) {
    set output out . "/burst.svg"
    set title "Disks of one guest, from the first write to the last InitWait"
    set xlabel "disks"
    set ylabel "us a disk (median, least..most)"
    set yrange [0:*]
    if (there("burst", "QEMU")) {
        set logscale y
        set yrange [100:*]
        plot series("burst", "alone", "$3") title "nobody watching", series("burst", "xenrecon", "$3") title "xenrecon", \
            series("burst", "QEMU", "$3") title "QEMU"
        unset logscale y
    } else {
        plot series("burst", "alone", "$3") title "nobody watching", series("burst", "xenrecon", "$3") title "xenrecon"
    }
}
if (there("guests", "alone")) {
    set output out . "/guests.svg"
    set title "Guests with 4 disks each, from the first write to the last InitWait"
    set xlabel "guests"
    set ylabel "us a disk (median, least..most)"
    set yrange [0:*]
    plot series("guests", "alone", "$3 * 4") title "nobody watching", \
        series("guests", "xenrecon", "$3 * 4") title "xenrecon"
}
if (there("core", "keys")) {
    set output out . "/core.svg"
    set title "One decision, by the keys of its view"
    set xlabel "keys"
    set ylabel "us (median, least..most)"
    set logscale xy 10
    set yrange [*:*]
    plot series("core", "keys", "1000") title "decide()"
}
