#!/bin/bash
# SPDX-License-Identifier: MIT
# `xenrecon check`, as a monitoring system runs it: one line, figures, and the exit status.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

# checked NAME STATUS WANT [ARGUMENT...]: its line, where a number of the store's is N
checked() {
    local name=$1 want=$3 status=0
    "${xenrecon[@]}" check "${@:4}" >"$dir/line" 2>"$dir/err" || status=$?
    check "$name: the status" "$status" "$2"
    check "$name: the line" "$(cat "$dir/line")" "$want"
    check "$name: nothing on stderr" "$(cat "$dir/err")" ""
}

checked "no daemon" 3 "XENRECON UNKNOWN - no daemon runs here: there is no $dir/run/control; start one with \`xenrecon run\`, or say where its run directory is: --runtime-dir"
policy_qdisk </dev/null
policy vgreet <<'END'
owner: xenrecon
worker: {command: [/bin/sh, -c, 'exit 3']}
retry: {initial: 60s, max: 60s}
END
policy vif <<'END'
owner: kernel
deadlines: {create: 1h, connect: 1h}
END
start_xenrecon --policies "$policies"
checked "no devices" 0 "XENRECON OK - 0 devices: none | devices=0;;;0 failed=0;;0;0 degraded=0;0;;0 unknown=0;0;;0 pending=0;;;0 ok=0;;;0"
attach_qdisk 7 51712
play qdisk/7/51712 connect
await "$(b_of qdisk/7/51712)/state" 4
toolstack attach vif 7 0
xenstore-write /local/domain/7/name web
await_quiet 100
checked "healthy, and on its way" 0 \
    "XENRECON OK - 2 devices: 1 pending, 1 ok | devices=2;;;0 failed=0;;0;0 degraded=0;0;;0 unknown=0;0;;0 pending=1;;;0 ok=1;;;0"
checked "what is on its way may be a warning" 1 \
    "XENRECON WARNING - 1 pending of 2 devices: vif/7/0 | devices=2;;;0 failed=0;;0;0 degraded=0;;;0 unknown=0;;;0 pending=1;0;;0 ok=1;;;0" --warning pending
log=$(log_mark)
toolstack attach vgreet 9 0
logged "a worker that dies" "$log" 'worker-died'
await_quiet 100
checked "a device that failed" 2 \
    "XENRECON CRITICAL - 1 failed of 3 devices: vgreet/9/0 worker-died | devices=3;;;0 failed=1;;0;0 degraded=0;0;;0 unknown=0;0;;0 pending=1;;;0 ok=1;;;0"
check "plan can leave out those that are well, and begins with the sickest" \
    "$("${xenrecon[@]}" plan --quiet --problems --format json | python3 -c 'import json, sys; r = json.load(sys.stdin); print([d["device"] for d in r["devices"]], r["summary"]["devices"])')" \
    "['vgreet/9/0', 'vif/7/0'] 3"
check "in text, too" "$("${xenrecon[@]}" plan --quiet --problems | grep -cE '^[a-z]+ +(vif|vgreet|qdisk)/')" 2
checked "is a warning where it is said so" 1 \
    "XENRECON WARNING - 1 failed of 3 devices: vgreet/9/0 worker-died | devices=3;;;0 failed=1;0;;0 degraded=0;;;0 unknown=0;;;0 pending=1;;;0 ok=1;;;0" \
    --warning failed --critical ''
checked "another guest is fine" 0 \
    "XENRECON OK - 1 device: 1 ok | devices=1;;;0 failed=0;;0;0 degraded=0;0;;0 unknown=0;0;;0 pending=0;;;0 ok=1;;;0" qdisk/web
checked "a guest that nobody knows" 3 "XENRECON UNKNOWN - wed: there is no such device in the daemon's list; did you mean web?" wed
checked "no health" 3 "XENRECON UNKNOWN - a HEALTH is failed, degraded, unknown, pending or ok, not \"bad\"; see \`xenrecon check --help\`" --warning bad
checked "no option" 3 "XENRECON UNKNOWN - --warn-me is no option here; see \`xenrecon check --help\`" --warn-me

log=$(log_mark)
kill -KILL "$(cat "$dir/pid")"
logged "the store is lost" "$log" 'store'
checked "a daemon without a store" 2 \
    "XENRECON CRITICAL - the daemon has lost the store; 1 failed of 3 devices: vgreet/9/0 worker-died | devices=3;;;0 failed=1;;0;0 degraded=0;0;;0 unknown=0;0;;0 pending=1;;;0 ok=1;;;0"
