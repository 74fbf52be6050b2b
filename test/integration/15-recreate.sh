#!/bin/bash
# SPDX-License-Identifier: MIT
# Removed and made again faster than anybody looks: every time it is another device.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
destroy: {frontend: true}
hold: {closed: 700ms}
END
start_xenrecon --policies "$policies"
b=$(b_of qdisk/7/51712)
f=$(f_of qdisk/7/51712)
again=(attach qdisk 7 51712 params=raw:/disk.%d mode=w)

# fresh NAME: InitWait, made after the last time
last=none
fresh() {
    reach "$1: InitWait" "$b/state" 2 "$f/state" 1 "$b/hotplug-status" connected "$b/feature-flush-cache" 1
    await_quiet 50
    check "$1: another incarnation" "$([ "$(incarnation_of qdisk/7/51712)" != "$last" ] && echo yes)" yes
    check "$1: of InitWait, without a ring" "$(wrote_of qdisk/7/51712) $(ring_of qdisk/7/51712)" "2 -"
    check "$1: nothing is left to do" "$(verdict qdisk/7/51712)" "steady: info=stuck-connect"
    last=$(incarnation_of qdisk/7/51712)
}

toolstack "${again[@]}"
fresh "first"
toolstack remove qdisk 7 51712 -- "${again[@]}"
fresh "again, from InitWait"
play qdisk/7/51712 connect --once
played "connects"
toolstack remove qdisk 7 51712 -- "${again[@]}"
fresh "again, from Connected"
play qdisk/7/51712 never-close --once
played "connects once more"
toolstack detach qdisk 7 51712
toolstack remove qdisk 7 51712 -- "${again[@]}"
fresh "again, from Closing"
toolstack detach qdisk 7 51712 -- wait "$b/state" 6 -- remove qdisk 7 51712 -- "${again[@]}"
fresh "again, from Closed"
sleep 0.8
check "the old one's hold does not end the new one" "$(state_of "$b")" 2

rounds=()
for _ in {1..50}; do
    rounds+=(-- detach qdisk 7 51712 -- remove qdisk 7 51712 -- "${again[@]}")
done
toolstack "${rounds[@]:1}"
fresh "fifty times"
play qdisk/7/51712 connect --once
played "fifty times: connects"

# ---- only B, with another disk in it

xenstore-write "$f/state" 1
xenstore-rm "$b"
toolstack slowly qdisk 7 51712 params=qcow2:/other mode=r
fresh "B alone"

# ---- not removed, but started over

xenstore-write "$b/state" 1
fresh "state=1 where InitWait was"
play qdisk/7/51712 connect --once
played "connects"
xenstore-write "$f/state" 1 "$b/state" 1
fresh "state=1 where Connected was"

# ---- while xenrecon is down, and while it does not look

kill -STOP $xenrecon_pid
toolstack remove qdisk 7 51712 -- "${again[@]}"
kill -CONT $xenrecon_pid
fresh "unseen"
stop_xenrecon
toolstack remove qdisk 7 51712 -- "${again[@]}"
start_xenrecon --policies "$policies"
fresh "while xenrecon was down"

# ---- and gone

toolstack "${rounds[@]:1}" -- remove qdisk 7 51712
await_quiet 300
check "nothing is left" "$(leftovers)" ""
check "no device for plan" "$("${xenrecon[@]}" plan --policies "$policies")" "0 devices of backend domain 0; nothing to do"
