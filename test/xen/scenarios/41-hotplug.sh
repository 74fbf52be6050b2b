#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: driver
# A driver domain with the kernel's back drivers, where xenrecon runs the hotplug scripts in place of `xl devd`: what both
# make of the same devices is the same.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

driver_domain store
guest web
domid=$(domid web)
disk=vbd/$domid/51712
net=vif/$domid/0
in_store() { in_guest store "$@" || true; }
in_store 'modprobe -a xen-privcmd xenfs loop bridge xen-blkback xen-netback && mount -t xenfs xenfs /proc/xen'
in_store 'truncate -s 8M /tmp/disk.img && brctl addbr xenbr0 && ip link set xenbr0 up'

# What the scripts and back drivers made of the devices: F apart, where the guest writes its rings
made() {
    xenstore-ls -f "/local/domain/$backend_domid/backend" | sed "s|^/local/domain/$backend_domid/backend/||" | sort
    in_store 'brctl show xenbr0 | tail -n +2; losetup -a | cut -d: -f1,3'
}

# life WHO: of a disk, a network, and a device of a type that nobody knows
life() {
    works "$1: xl block-attach" xl block-attach web backend=store,vdev=xvda,format=raw,access=rw,backendtype=phy,script=block,target=/tmp/disk.img
    works "$1: xl network-attach" xl network-attach web backend=store mac=00:16:3e:00:00:01 bridge=xenbr0 script=vif-bridge
    toolstack attach mydev "$domid" 0 --backend-domain "$backend_domid" path=/tmp
    has web eth0
    in_guest web 'ip link set eth0 up'
    reach "$1: the disk is Connected" "$disk" 4/4
    reach "$1: the network is Connected" "$net" 4/4
    becomes "$1: the disk's script is done" connected xenstore-read "$(b_of "$disk")/hotplug-status"
    becomes "$1: the network's script is done" connected xenstore-read "$(b_of "$net")/hotplug-status"
    made >"$here/attached.$1"
    works "$1: xl block-detach" xl block-detach web xvda
    works "$1: xl network-detach" xl network-detach web 0
    gone "$1: nothing is left of the disk" "$(b_of "$disk")" "$(f_of "$disk")"
    gone "$1: nothing is left of the network" "$(b_of "$net")" "$(f_of "$net")"
    lacks web eth0
    becomes "$1: no loop device is left" "" in_store 'losetup -a'
    made >"$here/detached.$1"
    toolstack remove mydev "$domid" 0 --backend-domain "$backend_domid"
}

in_store '(xl devd -F >/tmp/devd.log 2>&1 </dev/null &)'
# shellcheck disable=SC2016  # it is the guest that expands this
becomes "xl devd waits for events" yes in_store 'grep -q poll /proc/$(pidof xl)/wchan && echo yes'
life devd
in_store 'killall xl'
becomes "xl devd has ended" "" in_store 'pidof xl'
for type in vbd vif; do
    in_store "cd /etc/xenrecon/policies.d && cat /usr/local/share/xenrecon/policies/$type.yaml >$type.yaml && echo 'hotplug: {run: true}' >>$type.yaml"
done
in_store '(xenrecon run >/tmp/log 2>&1 </dev/null &)'
becomes "xenrecon runs" 1 in_store 'grep -cw ready /tmp/log'
life xenrecon

check_match "attached: the script wrote where the disk is" "$(cat "$here/attached.xenrecon")" "physical-device = \"7:0\""
check "attached: the same as with xl devd" "$(diff "$here"/attached.{devd,xenrecon})" ""
check "detached: the same as with xl devd" "$(diff "$here"/detached.{devd,xenrecon})" ""
check "no errors in the log" "$(in_store 'grep -E "failed|cannot|error" /tmp/log')" ""
destroy web
destroy store
