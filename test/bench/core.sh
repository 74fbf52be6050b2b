#!/bin/bash
# SPDX-License-Identifier: MIT
# The decision core alone, on one processor: decisions a second, and how it grows with keys and with types.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${ROUNDS:-$(either 1 3)}
for ((i = 0; i < rounds; i++)); do
    while read -r situation speed; do
        sample "$situation" 1 "$speed"
    done < <("$tools/decide" speed)
    for n in 10 30 100 300 1000; do
        sample keys $n "$("$tools/decide" keys $n)"
        sample types $n "$("$tools/decide" types $n)"
    done
done
table decision "a second" "at least" ""
for situation in create wait connect steady closing closed destroy; do
    speed=$(of max $situation 1)
    row $situation "$speed" 1000000 "$(demand "decisions a second: $situation" "$speed" ">=" 1000000)"
done
echo
types=$(calc "$(of min types 1000) / $(of min types 10)")
table n "keys: us a decision" "ns a key" "types: ns to find one" ""
for n in 10 30 100 300 1000; do
    each=$(calc "$(of min keys "$n") / $n" 0)
    [ $n != 100 ] || at_100=$each
    row $n "$(calc "$(of min keys "$n") / 1000")" "$each" "$(of min types "$n")" \
        "$([ $n != 1000 ] || echo "$(demand "1000 keys, time per key next to 100 keys" "$(calc "$each / $at_100")" "<=" 1.3), $(
            demand "1000 types, time to find one next to 10" "$types" "<=" 3)")"
done
