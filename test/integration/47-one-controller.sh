#!/bin/bash
# SPDX-License-Identifier: MIT
# One controller for each store; several stores beside each other.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
# refused NAME OPTION...
refused() {
    local name=$1 status=0 begun=$SECONDS
    shift
    timeout 20 "${xenrecon[@]}" run --policies "$policies" "$@" >"$dir/second.log" 2>&1 || status=$?
    check "$name: refuses" $status 1
    check "$name: says who is there" "$(grep -o 'process [0-9]*' "$dir/second.log")" "process $xenrecon_pid"
    check "$name: at once" "$([ $((SECONDS - begun)) -lt 10 ] && echo yes)" yes
}

start_xenrecon --policies "$policies"
attach_qdisk 7 1
await "$(b_of qdisk/7/1)/state" 2
await_quiet 100
mark=$(trace_mark)
refused "a second one"
refused "with a runtime directory of its own" --runtime-dir "$dir/elsewhere"
refused --once --once
ln -s "$dir" "$dir/link"
XENSTORED_PATH=$dir/link/socket refused "by another name of the socket"
check "they do nothing" "$(trace_since "$mark" | grep -c . || true)" 0
status=0
"${xenrecon[@]}" run --policies "$policies" --dry-run --once >"$dir/second.log" 2>&1 || status=$?
check "--dry-run may look on" "$status $(grep -c ready "$dir/second.log")" "0 1"

# ---- the lock goes with its process

first=$xenrecon_pid
kill_xenrecon
start_xenrecon --policies "$policies"
check "killed: the next one starts" "$([ "$xenrecon_pid" != "$first" ] && echo yes)" yes
refused "killed: the next one holds the lock"
stop_xenrecon
start_xenrecon --policies "$policies"
pass "ended: the next one starts"

# ---- another store

second=$dir/2
end_both() {
    local status=$?
    "$repo/test/rig/store.sh" stop "$second"
    (exit $status)
    finish
}
trap 'set +e; end_both' EXIT
(
    eval "$("$repo/test/rig/store.sh" start "$second")"
    attach_qdisk 7 2
    exec "${xenrecon[@]}" run --policies "$policies" --runtime-dir "$dir/run2" </dev/null >"$dir/second.log" 2>&1
) &
attach_qdisk 7 3
reach "two stores: the first is served" "$(b_of qdisk/7/3)/state" 2
check "two stores: so is the second" "$(until [ -S "$second/socket" ]; do sleep 0.02; done
    XENSTORED_PATH=$second/socket toolstack wait "$(b_of qdisk/7/2)/state" 2 && echo yes)" yes
check "two stores: each has its own devices" "$(state_of "$(b_of qdisk/7/2)") $(XENSTORED_PATH=$second/socket state_of "$(b_of qdisk/7/1)")" \
    "absent absent"
