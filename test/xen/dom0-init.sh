#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# Dom0's first program: starts what a Xen host runs, then the scenarios that the kernel's command line names. Says on the
# second serial port:   `@ready`, `@begin SCENARIO`, what it prints, `@end SCENARIO STATUS MILLISECONDS`, `@over`.
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /mnt /root /sbin /usr/sbin
/bin/busybox --install -s
export PATH=/usr/lib/xen/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir -p /run/xen /run/xenstored /run/lock /var/lib/xen /var/lib/xenstored /var/log/xen
ln -sfn /run /var/run
ln -sfn /run/lock /var/lock
ln -sfn /proc/self/fd /dev/fd
ln -sfn /proc/self/fd/0 /dev/stdin
port=/dev/ttyS1
stty -F $port raw
option() {
    sed -n "s/.* $1=\([^ ]*\).*/\1/p" /proc/cmdline
}
uptime_ms() {
    awk '{ print int($1 * 1000) }' /proc/uptime
}

for module in xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs; do
    modprobe $module
done
mount -t xenfs xenfs /proc/xen
XENSTORED=$(option xenstored)
export XENSTORED
"$XENSTORED" --pid-file /run/xen/xenstored.pid
until xenstore-exists / 2>/dev/null; do
    usleep 50000
done
xen-init-dom0
xenconsoled --pid-file=/run/xen/xenconsoled.pid
echo @ready >$port
for scenario in $(option scenarios | tr , ' '); do
    echo "@begin $scenario" >$port
    began=$(uptime_ms)
    timeout -k 10 "$(option limit)" bash "/xen/scenarios/$scenario.sh" >$port 2>&1 </dev/null
    echo "@end $scenario $? $(($(uptime_ms) - began))" >$port
done
echo @over >$port
poweroff -f
