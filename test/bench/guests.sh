#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests with 4 disks each, one guest after the other: the time per device stays flat, but for what the store itself
# slows down as it grows. That is measured with nobody watching, in two ways:
#
#   nobody      the toolstack's writes alone
#   the floor   these, and the requests that xenrecon makes for a device, by a client that watches nothing, decides
#               nothing, and is told of each device by a pipe (answer.c)
#
# The store's slowing is the floor's: what grows in xenstored is what a node costs that is read or written inside of a
# transaction, ours as well as the toolstack's (its free list; outside of one a read hardly grows).
TRACE=on
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
read -r -a sizes <<<"$(either "10 30" "10 30 100 300 1000")"
rounds=${ROUNDS:-$(either 1 5)}
disks=4
burst() { "$tools/attach" burst 1 "$1" 0 $disks raw:/disk "${@:2}"; }
# per_device VARIANT N
per_device() { calc "$(of min "$1" "$2") / $2 / $disks" 1; }

# ---- what xenrecon asks for a device, from the store's trace

serve
burst 1 --await >/dev/null
await_quiet 100
mark=$(trace_mark)
"$tools/attach" burst 1 1 $disks 1 raw:/disk --await >/dev/null
await_quiet 100
number=$(xenstore-list $backends/qdisk/1 | tail -n 1)
trace_since "$mark" "$xenrecon_connection" | sed -nE "s|qdisk/1/$number|qdisk/DOMID/DEVID|; s|vbd/$number|vbd/DEVID|
    s|/1/|/DOMID/|; s/^(READ|WRITE) \(([^ ]*) *(.*)\)\$/\1 \2 \3/p" >"$dir/requests"
check "they are reads, then writes" "$(cut -d ' ' -f 1 "$dir/requests" | uniq | paste -sd ' ')" "READ WRITE"
TRACE=off

for ((i = 0; i < rounds; i++)); do
    for n in "${sizes[@]}"; do
        [ "$n" -lt 1000 ] || [ $i -lt 3 ] || continue # they take minutes
        fresh_store
        sample alone "$n" "$(burst "$n")"
        fresh_store
        sample floor "$n" "$(burst "$n" --tell | "$tools/answer" "$dir/requests" | cut -d ' ' -f 2)"
        [ "$(devices_in 2)" = $((n * disks)) ] || fail "the floor does not serve all of $n guests"
        fresh_store
        serve
        sample xenrecon "$n" "$(burst "$n" --await | cut -d ' ' -f 2)"
    done
done

first=${sizes[0]}
floor_first=$(per_device floor "$first")
alone_first=$(per_device alone "$first")
table guests "nobody" "floor" xenrecon "us a device: nobody" floor xenrecon "less what nobody's grew" \
    "less what the floor grew" "next to $first guests" "at most" ""
for n in "${sizes[@]}"; do
    beyond_alone=$(calc "$(per_device xenrecon "$n") - ($(per_device alone "$n") - $alone_first)" 0)
    flat=$(calc "$(per_device xenrecon "$n") - ($(per_device floor "$n") - $floor_first)" 1)
    [ "$n" != "$first" ] || flat_first=$flat
    ratio=$(calc "$flat / $flat_first")
    row "$n" "$(ms alone "$n")" "$(ms floor "$n")" "$(ms xenrecon "$n")" "$(per_device alone "$n")" "$(per_device floor "$n")" \
        "$(per_device xenrecon "$n")" "$beyond_alone" "$(calc "$flat" 0)" "$ratio" 1.2 \
        "$(demand "$n guests, time per device next to $first" "$ratio" "<=" 1.2)"
done
