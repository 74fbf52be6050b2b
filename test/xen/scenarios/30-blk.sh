#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# short: xenstored
# A disk that xenrecon-blk serves, in its jail, on the real grants and event channels: a guest has it from the start,
# mounts, writes, and finds everything again when it was detached and attached.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_blk
start_xenrecon
create web "disk = ['$(qdisk xvda)']"
disk=qdisk/$(domid web)/51712
b=$(b_of "$disk")
f=$(f_of "$disk")
reach "with a disk from the start: Connected" "$disk" 4/4
worker=$(pids_of xenrecon-blk)
check "its worker is locked in: user, rights, system calls, root" \
    "$(sed -nE 's/^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):\t([^\t]*).*/\2/p' "/proc/$worker/status" | tr '\n' ' ')$(readlink "/proc/$worker/root")" \
    "$((1900000000 + $(domid web))) 0000000000000000 0000000000000000 1 2 /run/xenrecon/worker"
silent "plan is silent"
has web xvda
in_guest web 'modprobe -a crc32c_generic ext4 && mke2fs -F /dev/xvda >/dev/null && mount -t ext2 /dev/xvda /mnt'
in_guest web 'dd if=/dev/urandom of=/mnt/noise bs=64k count=128 2>/dev/null && sync'
sum=$(in_guest web 'md5sum </mnt/noise')
in_guest web 'umount /mnt && echo 3 >/proc/sys/vm/drop_caches && mount -t ext2 -o ro /dev/xvda /mnt'
check "what was written can be read" "$(in_guest web 'md5sum </mnt/noise')" "$sum"
in_guest web 'umount /mnt'
works "xl block-detach" xl block-detach web xvda
gone "nothing is left" "$b" "$f"
becomes "no worker either" "" pids_of xenrecon-blk
works "xl block-attach" attach_disk web xvda
reach "Connected again" "$disk" 4/4
has web xvda
in_guest web 'mount -t ext2 -o ro /dev/xvda /mnt'
check "everything is there" "$(in_guest web 'md5sum </mnt/noise')" "$sum"
in_guest web 'umount /mnt'
works "xl destroy" destroy web
gone "nothing is left of the device" /local/domain/0/backend/qdisk "$f"
becomes "no worker either, after the destroy" "" pids_of xenrecon-blk
modprobe loop
modprobe -a crc32c_generic ext4
mount -t ext2 -o loop,ro "$images/xvda.img" /mnt
check "and dom0 reads the same from the image" "$(md5sum </mnt/noise)" "$sum"
umount -d /mnt
