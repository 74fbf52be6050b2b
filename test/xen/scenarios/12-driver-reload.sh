#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# Front drivers that are unloaded and come back. Linux's netfront starts over by itself, so that a network shows the whole
# cycle; nobody carries its packets. blkfront closes, and never asks again.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_disk
# libxl waits for InitWait, and misses it when it is over too soon
policy vif <<'END'
owner: xenrecon
backend-keys:
  mac: {required: true}
frontend-keys:
  tx-ring-ref: {type: uint32, required: connect}
  rx-ring-ref: {type: uint32, required: connect}
publish: {feature-rx-copy: 1, feature-split-event-channels: 1}
hold: {init-wait: 2s}
END
printf '#!/bin/sh\nexit 0\n' >/etc/xen/scripts/vif-none
chmod 755 /etc/xen/scripts/vif-none
start_xenrecon
guest web
net=vif/$(domid web)/0

works "xl network-attach" xl network-attach web mac=00:16:3e:00:00:01 script=vif-none
reach "Connected" "$net" 4/4
marker=$(xenstore-read "$(b_of "$net")/xenrecon")
for times in first second; do
    in_guest web 'echo vif-0 >/sys/bus/xen/drivers/vif/unbind && rmmod xen-netfront'
    reach "unloaded for the $times time: Closed" "$net" 6/6
    in_guest web 'modprobe xen-netfront'
    reach "loaded again for the $times time: Connected" "$net" 4/4
done
check "it is the same device, with another ring" \
    "$(xenstore-read "$(b_of "$net")/xenrecon" | awk -v before="$marker" '{ split(before, b); print ($1 == b[1]), ($3 != b[3]) }')" "1 1"
check "each came by InitWait" "$(grep -c "$net: cycle: the frontend starts again" "$here/xenrecon.log")" 2
# What a kernel that was started by kexec does for the one before it, which went without closing anything: by hand up to
# there, for a guest's kernel as the one before
steps=0
step() {
    in_guest web "xenstore-write device/vif/0/state $1"
    reach "kexec, step $((steps += 1))" "$net" "$2/$1"
}
in_guest web 'echo vif-0 >/sys/bus/xen/drivers/vif/unbind && rmmod xen-netfront'
reach "unloaded for the hand-over: Closed" "$net" 6/6
in_guest web 'xenstore-write device/vif/0/tx-ring-ref 8 device/vif/0/rx-ring-ref 9'
step 1 2
step 3 4
step 4 4
step 5 5
step 6 6
step 1 2
in_guest web 'modprobe xen-netfront'
reach "handed over: Connected" "$net" 4/4
silent "plan is silent"
works "xl network-detach" xl network-detach web 0
gone "nothing is left" "$(b_of "$net")" "$(f_of "$net")"

use_qdisks web
disk=qdisk/$(domid web)/51712
works "xl block-attach" attach_disk web xvda
reach "the disk: Connected" "$disk" 4/4
in_guest web 'echo vbd-51712 >/sys/bus/xen/drivers/vbd/unbind && rmmod xen-blkfront && modprobe xen-blkfront'
reach "blkfront was unloaded, and loaded again: Closed" "$disk" 6/6
finds "plan says so" closed-online
works "xl block-detach" xl block-detach web xvda
gone "nothing is left of the disk" "$(b_of "$disk")" "$(f_of "$disk")"
works "xl block-attach after it" attach_disk web xvda
reach "the disk again: Connected" "$disk" 4/4
works "xl block-detach in the end" xl block-detach web xvda
gone "nothing is left in the end" "$(b_of "$disk")" "$(f_of "$disk")"
