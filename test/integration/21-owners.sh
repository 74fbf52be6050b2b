#!/bin/bash
# SPDX-License-Identifier: MIT
# Devices that a kernel driver or another program drives: we look, and write nothing, whatever happens.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy vbd <<'END'
owner: kernel
backend-keys: {params: {required: true}}
deadlines: {create: 200ms, connect: 200ms, close: 200ms}
orphan: {grace: 0}
destroy: {frontend: true}
END
policy console <<'END'
owner: external
deadlines: {create: 200ms, connect: 200ms, close: 200ms}
hold: {closed: 0}
END
for type in vbd console; do
    toolstack attach $type 7 1 params=raw:/x.%d
done
start_xenrecon --policies "$policies"

mark=$(trace_mark)
for type in vbd console; do
    d=$type/7/1
    b=$(b_of $d)
    f=$(f_of $d)
    log=$(log_mark)
    logged "$type: nobody takes it" 0 "$d: unclaimed-backend: "
    check "$type: plan says so, and nothing to do" "$(verdict $d)" "steady: warning=unclaimed-backend"
    for pair in "2 1" "2 3" "4 3" "4 4" "4 5" "5 5" "5 6" "6 6" "6 1" "2 1" "7 4" "8 4" "3 3" "4 4"; do
        xenstore-write "$b/state" "${pair% *}" "$f/state" "${pair#* }"
        await_quiet 20
        check "$type: B and F at $pair: no action" "$(planned $d '[d["row"], d["actions"]]')" "['steady', []]"
    done
    xenstore-write "$f/state" $'\e9'
    logged "$type: rubbish of the guest's" "$log" "$d: bad-frontend-state: "
    xenstore-write "$f/state" 4
    toolstack detach $type 7 1
    logged "$type: a frontend that does not let go" "$log" "$d: stuck-detach: "
    xenstore-write "$b/state" x
    logged "$type: rubbish of the backend's" "$log" "$d: bad-value: "
    toolstack close $type 7 1 -- remove $type 7 1 -- attach $type 7 1 --online 0 -- attach $type 7 1 --state 6
    await_quiet 50
    toolstack slowly $type 7 2 --pause-ms 20
    xenstore-write "$(b_of $type/7/2)/frontend" /local/domain/8/x
    logged "$type: a frontend of another domain's" "$log" "$type/7/2: mismatched-frontend: "
done
toolstack domain-destroy 7
await_quiet 300
check "nothing was written by us" "$(trace_since "$mark" "$xenrecon_connection" | grep -cvE '^(READ|DIRECTORY|DIRECTORY_PART|WATCH|UNWATCH|IS_DOMAIN_INTRODUCED) ' || true)" 0
check "not even a transaction" "$(trace_since 0 "$xenrecon_connection" | grep -c TRANSACTION || true)" 0
check "we did look" "$([ "$(trace_since "$mark" "$xenrecon_connection" | wc -l)" -gt 50 ] && echo yes)" yes
