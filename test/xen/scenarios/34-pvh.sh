#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: driver
# A PVH guest, with its hardware's paging emulated as well: its disk is served as a PV guest's is.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_blk
start_xenrecon
create web 'type = "pvh"' "disk = ['$(qdisk xvda)']"
disk=qdisk/$(domid web)/51712
reach "Connected" "$disk" 4/4
check "it is one" "$(in_guest web 'cat /sys/hypervisor/guest_type')" PVH
has web xvda
in_guest web 'echo hello >/dev/xvda && sync && echo 3 >/proc/sys/vm/drop_caches'
check "data flows" "$(in_guest web 'head -c 5 /dev/xvda') $(head -c 5 "$images/xvda.img")" "hello hello"
silent "plan is silent"
before=$(domid web)
tell web 'reboot -f'
reborn web "$before"
disk=qdisk/$(domid web)/51712
reach "rebooted: Connected" "$disk" 4/4
works "xl destroy" destroy web
gone "nothing is left of the device" /local/domain/0/backend/qdisk
becomes "nor a worker" "" pids_of xenrecon-blk
