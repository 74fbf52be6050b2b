#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: driver
# The real QEMU serves a guest's disks, started by libxl, while our policy is to serve such disks ourselves: we leave them
# alone, and say so, of those that QEMU has when we come and of those that it is to take.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

ours() { xenstore-exists "$(b_of "$1")/xenrecon" && echo ours || echo "not ours"; }
row() { xenrecon explain "$1" | grep -ow "$2" | head -n 1; }

policy_blk
create web "disk = ['$(qdisk xvda)']" 'device_model_override = "/usr/libexec/xen-qemu-system-i386"'
domid=$(domid web)
disk=qdisk/$domid/51712
second=qdisk/$domid/51728
check "libxl has started a QEMU, which runs" "$(xenstore-read "/local/domain/0/device-model/$domid/state")" running
reach "with a disk from the start: Connected" "$disk" 4/4
start_xenrecon
check "xenrecon comes: it is not ours" "$(ours "$disk")" "not ours"
finds "plan says so" foreign-backend
has web xvda
in_guest web 'echo hello >/dev/xvda && sync'
check "data flows" "$(head -c 5 "$images/xvda.img")" hello

# QEMU stands still while the second disk is attached, so that nobody takes it
qemu=$(pids_of xen-qemu-system-i386)
kill -STOP "$qemu"
attach_disk web xvdb >"$here/attached" 2>&1 &
attaching=$!
reach "QEMU stands still: nobody takes the second disk" "$second" 1/1
check "explain names the row" "$(row "$second" claimed-elsewhere)" claimed-elsewhere
finds "plan says so of both" foreign-backend foreign-backend
kill -CONT "$qemu"
status=0
wait $attaching || status=$?
check "QEMU goes on: xl block-attach works" $status 0
reach "the second disk: Connected" "$second" 4/4

kill_xenrecon
start_xenrecon
check "xenrecon started again: neither is ours" "$(ours "$disk"), $(ours "$second")" "not ours, not ours"
finds "and plan says the same" foreign-backend foreign-backend
has web xvdb
in_guest web 'echo again >/dev/xvdb && sync'
check "data flows to the second" "$(head -c 5 "$images/xvdb.img")" again
works "xl block-detach of the second" xl block-detach web xvdb
gone "nothing is left of it" "$(b_of "$second")" "$(f_of "$second")"
works "xl destroy" destroy web
gone "nothing is left" /local/domain/0/backend/qdisk "$(f_of "$disk")"
silent "plan is silent"
check "we never had a worker" "$(grep -cE 'create|adopt|connect:' "$here/xenrecon.log" || true)" 0
