#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored oxenstored
# A guest that writes its F/state as fast as it can: the attaches of another guest take at most twice as long as beside one
# that writes a node of its own that nobody watches, and it is served when it stops.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_disk
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
# Each the best of four, in turns: an emulated machine has its moods
alone=1000000 beside=1000000
for round in 1 2 3 4; do
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
in_guest web 'xenstore-write device/vbd/51712/state 4'
reach "when it stops, it is served" "$disk" 4/4
check "no errors in the log" "$(grep -cE 'failed|cannot' "$here/xenrecon.log" || true)" 0
destroy web
xl destroy mail
