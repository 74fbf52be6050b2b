#!/bin/bash
# SPDX-License-Identifier: MIT
# In a driver domain, when the store refuses nodes or transactions: nobody else suffers, it is said, and it goes on when
# there is room.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

backends=/local/domain/5/backend
policy_qdisk <<'END'
retry: {initial: 50ms, max: 500ms}
END
attach() { attach_qdisk "$@" --backend-domain 5; }
detach() { toolstack detach qdisk "$@" --backend-domain 5; }

# fresh OPTION...: a store with these quotas, a driver domain with xenrecon, and a guest
fresh() {
    stop_xenrecon
    stop_store
    start_store "$@"
    start_domain 5
    start_domain 7
    as_domain 5 start_xenrecon --policies "$policies"
}

# with_state STATE: the ids of the devices whose B is in it
with_state() {
    xenstore-ls -f $backends | sed -n "s|.*/qdisk/7/\([0-9]*\)/state = \"$1\"\$|\1|p"
}

# ---- nodes: the toolstack makes seven for each device, and we three; for some of the twelve there is room

fresh --entry-nb 100
attach 7 1
await "$(b_of qdisk/7/1)/state" 2
kill -STOP "$xenrecon_pid"
mark=$(log_mark)
toolstack burst qdisk 7 2 11 --backend-domain 5 params=raw:/x.%d mode=w >/dev/null
detach 7 1 # needs no room, and comes up in one transaction with the others
kill -CONT "$xenrecon_pid"
reach "no room: a device that goes does go" "$(b_of qdisk/7/1)" absent
check "no room: that was no failure of its own" "$(log_since "$mark" | grep -c 'qdisk/7/1: .*failed' || true)" 0
logged "no room: it is said" "$mark" "create failed: No space left on device; tried again in"
# What went made room: who still has none is known once each of the others has tried again, twice, since the first of these
# may have begun before.
gone=$(log_mark)
no_more_room() {
    local id without
    mapfile -t without < <(with_state 1)
    for id in "${without[@]}"; do
        [ "$(log_since "$gone" | grep -c "qdisk/7/$id: create failed")" -ge 2 ] || return 1
    done
    [ $((${#without[@]} + $(with_state 2 | wc -l))) = 11 ]
}
becomes_true no_more_room || fail "it never came out who has room"
served=$(with_state 2 | wc -l)
check "no room: some got theirs, some did not" "$((served >= 4 && served < 11))" 1
wanting=qdisk/7/$(with_state 1 | head -n 1)
xenstore-write "$(b_of "$wanting")/frontend-id" 7 # somebody has another look
logged "no room: and is a finding" "$mark" "$wanting: action-failed: create failed [0-9]* times: No space left on device"
away=()
for id in $(with_state 2 | head -n 3); do
    detach 7 "$id"
    away+=("$(b_of "qdisk/7/$id")" absent)
done
reach "three go" "${away[@]}"
left=()
for id in $(xenstore-list $backends/qdisk/7); do
    left+=("$(b_of "qdisk/7/$id")/state" 2)
done
reach "with room again the others get theirs" "${left[@]}"
check "all of them" "${#left[@]}" 16
mark=$(trace_mark)
untouched "and then nothing is done any more" "$mark"

# ---- a node's size, which counts the names in it: B of device 1 has no room for another key

fresh --entry-size 300
long=$(printf 'k%.0s' {1..200})
kill -STOP "$xenrecon_pid"
mark=$(log_mark)
attach 7 1 "$long=x"
attach 7 2
kill -CONT "$xenrecon_pid"
reach "a full node: the device beside it gets to InitWait" "$(b_of qdisk/7/2)/state" 2
logged "a full node: it is said" "$mark" "qdisk/7/1: create failed: .*; tried again in"
check "a full node: of this one only" \
    "$(state_of "$(b_of qdisk/7/1)") $(log_since "$mark" | grep -c 'qdisk/7/2: .*failed' || true)" "1 0"
xenstore-rm "$(b_of qdisk/7/1)/$long"
reach "a full node: with room again it is served" "$(b_of qdisk/7/1)/state" 2

# ---- transactions: another program in our domain keeps them all open

fresh --transaction 3
await_quiet 100
cat >"$dir/keep.py" <<'END'
import socket, struct, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
started = refused = 0
while True:  # also those that others give back
    s.sendall(struct.pack("=IIIIc", 6, 0, 0, 1, b"\0"))  # XS_TRANSACTION_START
    kind, _, _, n = struct.unpack("=IIII", s.recv(16, socket.MSG_WAITALL))
    s.recv(n, socket.MSG_WAITALL)
    if kind == 6:
        started += 1
    else:
        refused += 1
        time.sleep(0.01)
    if refused == 1:
        print(started, flush=True)
END
exec 8< <(exec python3 "$dir/keep.py" "$dir/dom5.socket")
keeper=$!
read -r -u 8 kept
check "transactions are kept" "$((kept > 0))" 1
mark=$(log_mark)
attach 7 1
attach 7 2
logged "no transaction: it is said" "$mark" "does not let us begin a transaction: No space left on device"
asked() { "${xenrecon[@]}" status --runtime-dir "$dir/run" --format json | sed -n 's/.*"requests": *\([0-9]*\).*/\1/p' | head -n 1; }
before=$(asked)
tried_again() { [ "$(asked)" -ge $((before + 10)) ]; }
becomes_true tried_again || fail "it does not try again"
check "no transaction: once, and no device is said to have failed" \
    "$(log_since "$mark" | grep -c 'does not let us begin') $(log_since "$mark" | grep -c failed || true)" "1 0"
check "no transaction: nothing is done" "$(state_of "$(b_of qdisk/7/1)") $(state_of "$(b_of qdisk/7/2)")" "1 1"
kill $keeper
reach "when they are free it goes on" "$(b_of qdisk/7/1)/state" 2 "$(b_of qdisk/7/2)/state" 2
logged "and that is said" "$mark" "lets us begin transactions again"
