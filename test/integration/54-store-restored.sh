#!/bin/bash
# SPDX-License-Identifier: MIT
# The store dies and comes back with the nodes that it had: what was done stays done, what changed meanwhile is caught up
# with, and watches work again.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
front() { xenstore-write "$(f_of "qdisk/7/$1")/state" "$2"; }
ring() { xenstore-write "$(f_of "qdisk/7/$1")/ring-ref" "$2" "$(f_of "qdisk/7/$1")/event-channel" $(($2 + 1)); }
connect() {
    local id
    for id; do
        attach_qdisk 7 "$id"
        ring "$id" "$((id * 2))"
        front "$id" 3
        await "$(b_of "qdisk/7/$id")/state" 4
        front "$id" 4
    done
}
# lose_store: with the nodes in $dir/nodes; xenrecon is stopped, so that what it finds is all there
lose_store() {
    await_quiet 100
    xenstore-ls -f >"$dir/nodes"
    kill -STOP $xenrecon_pid
    kill -KILL "$(cat "$dir/pid")"
    start_store
    xsload "$dir/nodes"
    check "$1: the store is as it was" "$(xenstore-ls -f | sort | cmp - <(sort "$dir/nodes") && echo yes)" yes
}
# go_on NAME: xenrecon finds the store
go_on() {
    said=$(log_mark)
    mark=$(trace_mark)
    kill -CONT $xenrecon_pid
    logged "$1: it is back" "$said" '(^| )ready: '
    xenrecon_connection=$(connection_of "$mark" "WATCH (")
    await_quiet 100
}
# A stopped xenrecon has to go, too
trap 'status=$?; kill -CONT $xenrecon_pid 2>/dev/null || true; (exit $status) && finish || finish' EXIT

start_xenrecon --policies "$policies"
connect 1 2 3 4 5
attach_qdisk 7 6
attach_qdisk 7 7
front 5 6 # Closed, and not coming back
await "$(b_of qdisk/7/5)/state" 6 "$(b_of qdisk/7/6)/state" 2 "$(b_of qdisk/7/7)/state" 2

# ---- nothing changed

lose_store unchanged
go_on unchanged
check "unchanged: nothing is written" "$(changes_since "$mark")" ""
check "unchanged: each node is as it was" "$(xenstore-ls -f | sort | cmp - <(sort "$dir/nodes") && echo yes)" yes
check "unchanged: nothing is said to be done" \
    "$(log_since "$said" | grep -cE ': (create|connect|disconnect|close|cycle|release|destroy): ' || true)" 0

# ---- changed while there was nobody to see it

lose_store changed
incarnation=$(incarnation_of qdisk/7/2)
old_4=$(incarnation_of qdisk/7/4)
old_ring=$(ring_of qdisk/7/2)
ring 2 60 # kexec
front 2 4
front 3 5 # Closing
toolstack remove qdisk 7 4
attach_qdisk 7 4
front 5 1 # back from Closed
ring 6 12
front 6 3
attach_qdisk 7 8
before=$(xenstore-ls -f "$(b_of qdisk/7/1)" && xenstore-ls -f "$(b_of qdisk/7/7)")
go_on changed
check "changed: a new ring: connected again" \
    "$([ "$(ring_of qdisk/7/2)" != "$old_ring" ] && log_since "$said" | grep -c 'qdisk/7/2: connect: ')" 1
check "changed: a new ring: the same incarnation" "$(incarnation_of qdisk/7/2)" "$incarnation"
reach "changed: Closing" "$(b_of qdisk/7/3)/state" 5
reach "changed: removed and made again: InitWait" "$(b_of qdisk/7/4)/state" 2
check "changed: removed and made again: another incarnation" \
    "$([ "$(incarnation_of qdisk/7/4)" != "$old_4" ] && echo yes)" yes
reach "changed: the frontend came back: InitWait" "$(b_of qdisk/7/5)/state" 2
reach "changed: the frontend became ready: Connected" "$(b_of qdisk/7/6)/state" 4
reach "changed: attached: InitWait" "$(b_of qdisk/7/8)/state" 2
check "changed: the others are not written to" "$(changes_since "$mark" | grep -cE '/7/[17]/' || true)" 0
check "changed: and are as they were" \
    "$(xenstore-ls -f "$(b_of qdisk/7/1)" && xenstore-ls -f "$(b_of qdisk/7/7)")" "$before"
check "changed: nothing is left to do" \
    "$("${xenrecon[@]}" plan --policies "$policies" | sed -n '1s/.*; \(nothing to do\).*/\1/p')" "nothing to do"

# ---- restored under its eyes: it sees an empty store first, and then a device after the other, in one transaction

await_quiet 100
xenstore-ls -f >"$dir/nodes"
said=$(log_mark)
mark=$(trace_mark)
kill -KILL "$(cat "$dir/pid")"
start_store
logged "late: it is back" "$said" '(^| )ready: 0 devices'
xenrecon_connection=$(connection_of "$mark" "WATCH (")
xsload "$dir/nodes"
logged "late: adopted" "$said" 'qdisk/7/1: adopt: '
await_quiet 100
check "late: nothing is written" "$(changes_since "$mark")" ""
check "late: each device is as it was" "$(xenstore-ls -f | sort | cmp - <(sort "$dir/nodes") && echo yes)" yes
check "late: each device is adopted" "$(log_since "$said" | grep -c ': adopt: ')" 8

# ---- watches work

front 1 5
reach "Closing, from the frontend: Closing" "$(b_of qdisk/7/1)/state" 5
toolstack detach qdisk 7 1
front 1 6
reach "detached: gone" "$(b_of qdisk/7/1)" absent
attach_qdisk 7 9
reach "attached: InitWait" "$(b_of qdisk/7/9)/state" 2
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
