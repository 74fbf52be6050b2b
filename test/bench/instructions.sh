#!/bin/bash
# SPDX-License-Identifier: MIT
# Instructions, which are repeatable where seconds are not: for one device that is created, one that is adopted by the next
# process, and one decision of each kind. Compared with instructions.txt, which says how many there were:
#
#   instructions.sh            fails where there are a twentieth more
#   instructions.sh --update   writes the file anew
#
# What a process takes without any device is subtracted. The counts are those of the packaged compiler and libc on x86-64.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"
known=$repo/test/bench/instructions.txt
margin=1.05

policy_qdisk </dev/null
n=96 # whole transactions, of 16
# counted COMMAND...: how many instructions it takes
counted() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 </dev/null | sed -n 's/.*Collected : \([0-9]*\)$/\1/p'
}
once() { counted "$repo/build/xenrecon" run --once --policies "$policies" --resync 0 --runtime-dir "$dir/run"; }

declare -A counts
empty=$(once)
"$tools/load" devices 7 1 0 $n 1
counts[created]=$((($(once) - empty) / n))
check "all were created" "$(devices_in 2)" $n
counts[adopted]=$((($(once) - empty) / n))
for situation in create wait connect steady closing closed destroy; do
    counts[decide-$situation]=$((($(counted "$tools/decide" count $situation 1100) - $(counted "$tools/decide" count $situation 100)) / 1000))
done

order=(created adopted decide-{create,wait,connect,steady,closing,closed,destroy})
if [ "${1:-}" = --update ]; then
    for name in "${order[@]}"; do
        echo "$name ${counts[$name]}"
    done >"$known"
fi
table "instructions for a device" now before "at most" ""
for name in "${order[@]}"; do
    before=$(sed -n "s/^$name //p" "$known")
    sample "$name" 1 "${counts[$name]}"
    most=$(calc "${before:-0} * $margin" 0)
    became=$(demand "instructions: $name" "${counts[$name]}" "<=" "$most")
    row "$name" "${counts[$name]}" "$before" "$most" "$became"
    check "$name: no more instructions than before, give or take a twentieth" "$became" met
    [ "${counts[$name]}" -ge "$(calc "$before / $margin" 0)" ] || echo "$name became cheaper: instructions.sh --update keeps it so"
done
