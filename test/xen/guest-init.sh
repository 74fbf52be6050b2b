#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# A guest's first program: loads the front drivers, then does what dom0 types on its console. A line is a number and a
# command; the answer stands between two lines with the number, the second with the command's status.
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /mnt /root /sbin /usr/sbin
/bin/busybox --install -s
export PATH=/usr/lib/xen/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mkdir -p /run/lock /run/xen /var/lib /var/log/xen
ln -sfn /run /var/run
ln -sfn /run/lock /var/lock
ln -sfn /proc/self/fd /dev/fd
ln -sfn /proc/self/fd/0 /dev/stdin
for module in xen-evtchn xen-gntdev xen-gntalloc xen-blkfront xen-netfront; do
    modprobe $module
done
stty -echo -onlcr -isig
dmesg -n 1 # a message of the kernel's in the middle of a line would garble it
echo "
@0 up" # on a line of its own, whatever a boot loader has said
while read -r number command; do
    echo "@$number begin"
    (eval "$command") # in a process of its own: it may be anything
    echo "
@$number end $?"
done
