#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests with 4 disks each, one guest after the other: the time per device stays flat, but for what the store itself
# slows down as it grows.
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
        fresh_store
        sample alone "$n" "$(burst "$n")"
        fresh_store
        serve
        sample xenrecon "$n" "$(burst "$n" --await | cut -d ' ' -f 2)"
    done
done

first=${sizes[0]}
alone_first=$(per_device alone "$first")
table guests "nobody watching" xenrecon "us a device, nobody" "us a device, xenrecon" "without the store's slowing" \
    "next to $first guests" "at most" ""
for n in "${sizes[@]}"; do
    flat=$(calc "$(per_device xenrecon "$n") - ($(per_device alone "$n") - $alone_first)" 1)
    [ "$n" != "$first" ] || flat_first=$flat
    ratio=$(calc "$flat / $flat_first")
    row "$n" "$(ms alone "$n")" "$(ms xenrecon "$n")" "$(per_device alone "$n")" "$(per_device xenrecon "$n")" "$flat" \
        "$ratio" 1.2 "$(demand "$n guests, time per device next to $first" "$ratio" "<=" 1.2)"
done
