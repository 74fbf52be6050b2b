#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests with 4 disks each, one guest after the other: the time per device stays flat, but for what the store itself
# slows down as it grows. That is what the same writes slow down by with nobody watching: so many times as long does
# each node take that is touched in a transaction (xenstored's free list grows), the toolstack's and ours. Ours are 13
# for a device, next to the toolstack's 22, so that only dividing can make it flat: what is left when the toolstack's
# growth is subtracted, in the last column, still has the growth of ours.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
read -r -a sizes <<<"$(either "10 30" "10 30 100 300 1000")"
rounds=${ROUNDS:-$(either 1 5)}
disks=4
burst() { "$tools/attach" burst 1 "$1" 0 $disks raw:/disk "${@:2}"; }
# per_device VARIANT N
per_device() { calc "$(of min "$1" "$2") / $2 / $disks" 1; }

for ((i = 0; i < rounds; i++)); do
    for n in "${sizes[@]}"; do
        in_turns "$n" 100
    done
done

first=${sizes[0]}
alone_first=$(per_device alone "$first")
flat_first=$(per_device xenrecon "$first")
table guests "nobody watching" xenrecon "us a device: nobody" xenrecon "the store slows down" "xenrecon without that" \
    "next to $first guests" "at most" "" "less what nobody's grew"
for n in "${sizes[@]}"; do
    slowing=$(calc "$(per_device alone "$n") / $alone_first")
    flat=$(calc "$(per_device xenrecon "$n") / $slowing" 1)
    ratio=$(calc "$flat / $flat_first")
    row "$n" "$(ms alone "$n")" "$(ms xenrecon "$n")" "$(per_device alone "$n")" "$(per_device xenrecon "$n")" "x $slowing" \
        "$flat" "$ratio" 1.2 "$(demand "$n guests, time per device next to $first" "$ratio" "<=" 1.2)" \
        "$(calc "$(per_device xenrecon "$n") - ($(per_device alone "$n") - $alone_first)" 1)"
done
