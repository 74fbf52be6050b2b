#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# short: xenstored
# A disk that the kernel's blkback serves, with libxl and Xen's own hotplug script: plan says nothing while all is well, and
# names what the guest does to it.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

modprobe xen-blkback
create web "disk = ['$(kernel_disk block)']"
disk=vbd/$(domid web)/51712
b=$(b_of "$disk")
f=$(f_of "$disk")
reach "with a disk from the start: Connected" "$disk" 4/4
silent "healthy: plan is silent"
has web xvda
in_guest web 'echo hello >/dev/xvda && sync'
check "data flows" "$(head -c 5 "$images/xvda.img")" hello
in_guest web 'modprobe -a crc32c_generic ext4 && mke2fs -F /dev/xvda >/dev/null 2>&1 && mount -t ext2 /dev/xvda /mnt'
silent "mounted: plan is silent"
# This blkfront gives up its disk even then
works "xl block-detach, mounted" xl block-detach web xvda
gone "nothing is left" "$b" "$f"
silent "detached: plan is silent"
in_guest web 'umount /mnt' || true

works "xl block-attach" xl block-attach web "$(kernel_disk block)"
reach "Connected again" "$disk" 4/4
silent "attached: plan is silent"
in_guest web 'echo vbd-51712 >/sys/bus/xen/drivers/vbd/unbind'
reach "the front driver is unbound: Closed" "$disk" 6/6
finds "plan says so" closed-online
works "xl block-detach of a Closed disk" xl block-detach web xvda
gone "nothing is left of the Closed disk" "$b" "$f"

# ---- a paused guest

xl pause web
works "xl block-attach to a paused guest" xl block-attach web "$(kernel_disk block)"
check "blkback waits for it" "$(states "$disk")" 2/1
finds "plan says for whom" stuck-connect
xl unpause web
reach "unpaused: Connected" "$disk" 4/4
xl pause web
fails "xl block-detach from a paused guest" xl block-detach web xvda
check "blkback waits for the guest" "$(states "$disk")" 5/4
finds "plan says so" stuck-detach
xl unpause web
reach "unpaused: Closed" "$disk" 6/6
finds "xl has given up, and plan says that nobody removes it" not-removed
works "xl block-detach again" xl block-detach web xvda
gone "nothing is left then" "$b" "$f"

# ---- the guest crashes, and stays to be looked at

works "xl block-attach for the crash" xl block-attach web "$(kernel_disk block)"
reach "Connected for the crash" "$disk" 4/4
tell web 'echo c >/proc/sysrq-trigger'
becomes "the guest has crashed" crashed domain_state web
silent "plan has no way to tell a crashed guest from a quiet one"
fails "xl block-detach from it" xl block-detach web xvda
finds "it is stuck, and plan says so" stuck-detach
works "xl destroy" destroy web
gone "nothing is left after the crash" "$b" "$f"
silent "destroyed: plan is silent"
