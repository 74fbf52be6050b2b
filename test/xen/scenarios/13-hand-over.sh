#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# One kernel hands a disk that we serve over to the next: GRUB, a PV guest's first kernel, reads its configuration, Linux and
# a RAM disk from it with its own front driver, closes it, and starts Linux in its place, which connects to it again.
#
# Linux's own kexec is no other hand-over, as far as it goes here. PV guests have none. A PVH guest loads a kernel
# (kexec_file_load), closes its disk (F Closing, Closed) and asks Xen for a soft reset, as it must: and xl 4.17 destroys it.
# 12-driver-reload has what a kernel does in the store that finds its device as one which closed nothing left it.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

said() { grep -c "$disk: $1" "$here/xenrecon.log" || true; }

policy_blk
start_xenrecon
image=$images/xvda.img
truncate -s 96M "$image"
modprobe -a loop crc32c_generic ext4
mke2fs -F "$image" >/dev/null
mount -t ext2 -o loop "$image" /mnt
mkdir -p /mnt/boot/grub
cp /boot/vmlinux /boot/guest.cpio /mnt/boot
cat >/mnt/boot/grub/grub.cfg <<'EOF'
linux /boot/vmlinux console=hvc0 mitigations=off quiet loglevel=4 cryptomgr.notests
initrd /boot/guest.cpio
boot
EOF
sum=$(md5sum </boot/guest.cpio)
umount -d /mnt

create web 'kernel = "/boot/grub"' 'ramdisk = ""' 'memory = 256' \
    "disk = ['vdev=xvda,format=raw,access=rw,backendtype=qdisk,target=$image']"
disk=qdisk/$(domid web)/51712
check_match "GRUB came first" "$(cat "$here/boot")" "Welcome to GRUB"
reach "Linux has the disk: Connected" "$disk" 4/4
check "two frontends connected to the one device" "$(said "connect: the frontend is ready") $(said create:)" "2 1"
check "GRUB's was closed, and the device came back by InitWait" \
    "$(said "close: the frontend has closed") $(said "cycle: the frontend starts again")" "1 1"
check "its worker stayed" "$(said "worker [0-9]* started")" 1
silent "plan is silent"
has web xvda
in_guest web 'modprobe -a crc32c_generic ext4 && mount -t ext2 /dev/xvda /mnt'
check "Linux reads what GRUB read" "$(in_guest web 'md5sum </mnt/boot/guest.cpio')" "$sum"
in_guest web 'echo hello >/mnt/hello && umount /mnt'

before=$(domid web)
tell web 'reboot -f'
reborn web "$before"
disk=qdisk/$(domid web)/51712
check_match "rebooted: GRUB came first" "$(cat "$here/boot")" "Welcome to GRUB"
reach "rebooted: Connected" "$disk" 4/4
check "rebooted: handed over once more" "$(said "cycle: the frontend starts again")" 1
has web xvda
check "rebooted: Linux reads what it wrote" "$(in_guest web 'modprobe -a crc32c_generic ext4 && mount -t ext2 -o ro /dev/xvda /mnt && cat /mnt/hello; umount /mnt')" hello
works "xl destroy" destroy web
gone "nothing is left of the device" /local/domain/0/backend/qdisk
becomes "no worker either" "" pids_of xenrecon-blk
