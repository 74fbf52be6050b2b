#!/bin/bash
# SPDX-License-Identifier: MIT
# Toolstacks that write key by key, B before F exists: nothing begins before F is there, no state but those of an attach is
# ever written, and what is missing for a moment only is not said.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
start_xenrecon --policies "$policies" --resync 0

# one_by_one DIRECTORY KEY VALUE...: each a write of its own
one_by_one() {
    local directory=$1
    shift
    while [ $# -gt 0 ]; do
        xenstore-write "$directory/$1" "$2"
        shift 2
    done
}

# key_by_key DEVICE ORDER: with B first, or F
key_by_key() {
    local device=$1 b f mark log domid devid
    b=$(b_of "$device")
    f=$(f_of "$device")
    IFS=/ read -r _ domid devid <<<"$device"
    mark=$(trace_mark)
    log=$(log_mark)
    write_b() {
        one_by_one "$b" frontend "$f" params raw:/x script "" frontend-id "$domid" online 1 removable 0 dev xvda type phy \
            mode w device-type disk state 1
    }
    write_f() {
        one_by_one "$f" backend "$b" backend-id 0 virtual-device "$devid" event-channel "" state 1
    }
    if [ "$2" = B ]; then
        write_b
        await_quiet 300
        check "$device, B first: nothing is written before F is there" "$(history "$mark" "$b")" 1
        check "$device, B first: plan waits" "$(planned "$device" 'd["row"]')" orphan
        write_f
    else
        write_f
        write_b
    fi
    reach "$device, $2 first: InitWait" "$b/state" 2
    one_by_one "$f" ring-ref 8 event-channel 9 state 3
    reach "$device, $2 first: Connected" "$b/state" 4
    xenstore-write "$f/state" 4
    await_quiet 100
    check "$device, $2 first: the states of B" "$(history "$mark" "$b")" 124
    check "$device, $2 first: no key was missed" "$(log_since "$log" | grep -c missing-key || true)" 0
}

key_by_key qdisk/21/51712 B
key_by_key qdisk/22/51728 F

# ---- what stays missing is said

b=$(b_of qdisk/23/51712)
f=$(f_of qdisk/23/51712)
log=$(log_mark)
one_by_one "$f" backend "$b" backend-id 0 state 1
one_by_one "$b" frontend "$f" frontend-id 23 online 1 params raw:/x state 1
logged "a key stays missing" "$log" "qdisk/23/51712: missing-key: $b/mode is missing"

# ---- F goes while its directory is still to be answered

b=$(b_of qdisk/24/51712)
f=$(f_of qdisk/24/51712)
mark=$(trace_mark)
toolstack attach qdisk 24 51712 params=raw:/x.%d mode=w
reach "F goes later: InitWait" "$b/state" 2
xenstore-rm "$f"
reach "F goes later: Closed" "$b/state" 6
check "F goes later: the states of B" "$(history "$mark" "$b")" 126
stop_xenrecon
