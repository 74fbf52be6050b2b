#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# A guest with a disk of ours reboots, crashes, is paused, saved and restored, and powers off.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_blk
start_xenrecon
create web "disk = ['$(qdisk xvda)']" 'on_crash = "restart"'

# now NAME: the guest's disk is well, and what was there of it before is gone
now() {
    local former=$disk
    disk=qdisk/$(domid web)/51712
    reach "$1: Connected" "$disk" 4/4
    [ "$former" = "$disk" ] || gone "$1: nothing is left of the device before" "$(b_of "$former")" "$(f_of "$former")"
    has web xvda
    check "$1: the disk has what was written" "$(in_guest web 'head -c 5 /dev/xvda')" hello
    becomes "$1: one worker" 1 workers
}
workers() { pids_of xenrecon-blk | wc -w; }
disk=qdisk/$(domid web)/51712
has web xvda
in_guest web 'echo hello >/dev/xvda && sync'
now "created"

before=$(domid web)
tell web 'reboot -f'
reborn web "$before"
now "rebooted"
before=$(domid web)
tell web 'echo c >/proc/sysrq-trigger'
reborn web "$before"
now "crashed and restarted"

# For such disks libxl waits two seconds, writes Closed itself and removes the nodes
xl pause web
works "xl block-detach from a paused guest" xl block-detach web xvda
gone "nothing is left" "$(b_of "$disk")" "$(f_of "$disk")"
becomes "nor a worker" 0 workers
xl unpause web
lacks web xvda
works "xl block-attach" attach_disk web xvda
now "attached"

works "xl save" xl save web "$here/saved"
gone "saved: nothing is left" "$(b_of "$disk")" "$(f_of "$disk")"
becomes "saved: nor a worker" 0 workers
works "xl restore" xl restore "$here/saved"
rm "$here/saved"
open_console web
now "restored"

former=$disk
tell web 'poweroff -f'
becomes "powered off" none domid web
gone "nothing is left in the end" "$(f_of "$former")" /local/domain/0/backend/qdisk
becomes "nor a worker, in the end" 0 workers
silent "plan is silent"
