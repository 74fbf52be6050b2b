#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored oxenstored
# A guest that writes its F/state as fast as it can: the attaches of another guest take at most twice as long as beside one
# that writes a node of its own that nobody watches, we look at it as seldom as the policy says, and it is served when it
# stops.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_disk
# At 50 a second, looking at one device would take all the time that an emulated machine has
rate=1 burst=2
echo "limits: {events-per-second: $rate, burst: $burst}" >>"$policies/qdisk.yaml"
options=(--metrics-file "$here/metrics")
start_xenrecon
guest web
use_qdisks web
disk=qdisk/$(domid web)/51712
works "xl block-attach" attach_disk web xvda
reach "Connected" "$disk" 4/4
configure mail >"$here/mail.cfg"
works "another guest, paused" xl create -p "$here/mail.cfg"
mail=$(domid mail)

# flood NODE VALUE...: from the guest, until flood_ends
flood() { in_guest web "flood 600 $* >/dev/null 2>&1 </dev/null & while ! pidof flood >/dev/null; do :; done"; }
flood_ends() { in_guest web 'killall flood'; }

# How long twelve attaches take, one after the other, from what the toolstack writes until InitWait. Milliseconds.
twelve() {
    local began id attach=() detach=()
    for id in $(seq "$1" $(($1 + 11))); do
        attach+=(-- attach qdisk "$mail" "$id" params=raw:/x mode=w -- wait "$(b_of "qdisk/$mail/$id")/state" 2 --timeout-ms 60000)
        detach+=(-- remove qdisk "$mail" "$id")
    done
    began=${EPOCHREALTIME/[.,]/}
    toolstack "${attach[@]:1}"
    echo $(((${EPOCHREALTIME/[.,]/} - began) / 1000))
    toolstack "${detach[@]:1}"
}
# Each the best of four, in turns, or of more: an emulated machine has its moods
alone=1000000 beside=1000000
for round in 1 2 3 4 5 6 7 8 9; do
    [ "$round" -le 4 ] || [ $((beside <= 2 * alone)) = 0 ] || break
    flood data/unwatched 1 2
    took=$(twelve "$round"00)
    flood_ends
    [ "$took" -ge "$alone" ] || alone=$took
    flood device/vbd/51712/state 2 3 1
    took=$(twelve "$round"50)
    flood_ends
    [ "$took" -ge "$beside" ] || beside=$took
done
echo "figure: twelve attaches take $alone ms beside a flood that nobody watches, $beside ms beside one of F/state"
check "others wait at most twice as long" "$((beside <= 2 * alone))" 1

# What a flood makes us do: a look costs less than 12 requests. CPU time tells little of it here: the flood is so slow that we
# read each event by itself, which costs more than the looks do.
metric() { sed -n "s/^xenrecon_store_$1_total //p" "$here/metrics"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
written() { # it is every three seconds, when something changes
    touch "$here/mark"
    until [ "$here/metrics" -nt "$here/mark" ]; do
        pause 0.2
    done
}
store=$(pids_of "$XENSTORED")
flood device/vbd/51712/state 2 3 1
written
requests=$(metric requests) events=$(metric events) began=$SECONDS ours=$(ticks "$xenrecon_pid") theirs=$(ticks "$store")
written && written && written
took=$((SECONDS - began + 1)) requests=$(($(metric requests) - requests)) events=$(($(metric events) - events))
echo "figure: $events events in $took s, $requests requests; $(($(ticks "$xenrecon_pid") - ours)) ticks of CPU time, xenstored's $(($(ticks "$store") - theirs))"
flood_ends
check "it is a flood" "$((events > 5 * rate * took))" 1 # xenstored drops events that are the same
check "we look at its device no more often than the policy allows" "$((requests <= (rate * took + burst) * 12))" 1
in_guest web 'xenstore-write device/vbd/51712/state 4'
reach "when it stops, it is served" "$disk" 4/4
check "no errors in the log" "$(grep -cE 'failed|cannot' "$here/xenrecon.log" || true)" 0
destroy web
xl destroy mail
