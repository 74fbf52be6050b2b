#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: driver
# A policy of ours for disks is in force, and libxl starts a guest with a real QEMU: it writes the keys of the guest's disks
# before it starts QEMU, so that they are ours, and QEMU leaves them alone; a disk that is attached later is QEMU's. When we
# are late, QEMU has them all. Whoever is first: nobody else has the image open.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

ours() { xenstore-exists "$(b_of "$1")/xenrecon" && echo ours || echo "not ours"; }
qemu_state() { xenstore-read "/local/domain/0/device-model/$(domid web)/state"; }
# users_of IMAGE: the programs that have it open
users_of() {
    local fd
    for fd in /proc/[0-9]*/fd/*; do
        [ ! "$fd" -ef "$images/$1.img" ] || cat "${fd%/fd/*}/comm"
    done | sort -u | tr '\n' ' '
}
# create_with_qemu: and with a disk
create_with_qemu() {
    create web "disk = ['$(qdisk xvda)']" 'device_model_override = "/usr/libexec/xen-qemu-system-i386"'
    disk=qdisk/$(domid web)/51712
    later=qdisk/$(domid web)/51728
}

policy_blk
start_xenrecon
create_with_qemu
check "libxl has started a QEMU, which runs" "$(qemu_state)" running
reach "with a disk from the start: Connected" "$disk" 4/4
check "it is ours" "$(ours "$disk")" ours
check "we serve it, and nobody else" "$(users_of xvda)" "xenrecon-blk xenrecon-keeper "
silent "plan is silent"
has web xvda
in_guest web 'echo hello >/dev/xvda && sync'
check "data flows" "$(head -c 5 "$images/xvda.img")" hello

works "xl block-attach of another, beside QEMU" attach_disk web xvdb
reach "the later one: Connected" "$later" 4/4
check "the later one is not ours" "$(ours "$later")" "not ours"
check "QEMU serves it, and nobody else" "$(users_of xvdb)" "xen-qemu-system "
finds "plan says so" foreign-backend
has web xvdb
in_guest web 'echo later >/dev/xvdb && sync'
check "data flows to the later one" "$(head -c 5 "$images/xvdb.img")" later
works "xl block-detach of the later one" xl block-detach web xvdb
gone "nothing is left of the later one" "$(b_of "$later")" "$(f_of "$later")"
works "xl block-detach of ours" xl block-detach web xvda
gone "nothing is left of ours" "$(b_of "$disk")" "$(f_of "$disk")"
becomes "nor a worker" "" pids_of xenrecon-blk
works "xl destroy" destroy web

kill -STOP "$xenrecon_pid"
create_with_qemu
reach "we are late: Connected" "$disk" 4/4
kill -CONT "$xenrecon_pid"
finds "we are late: plan says that it is another's" foreign-backend
check "we are late: it is not ours" "$(ours "$disk")" "not ours"
check "we are late: QEMU serves it, and nobody else" "$(users_of xvda)" "xen-qemu-system "
works "xl destroy, in the end" destroy web
gone "nothing is left" /local/domain/0/backend/qdisk "$(f_of "$disk")"
check "we had one worker" "$(grep -c ': worker [0-9]* started' "$here/xenrecon.log")" 1
silent "in the end plan is silent"
