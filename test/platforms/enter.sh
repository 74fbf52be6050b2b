#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command in a root of another Debian:   enter.sh ROOT KEPT COMMAND...
#
# ROOT is a folder with a whole system. KEPT is one for what is downloaded in there: archives of packages, and the cache
# (lib/cache.sh). The command has processes, mounts, names and shared memory of its own, and /tmp in memory; what it leaves
# running ends with it. The network and the devices are the machine's. Needs to be root.
set -eu -o pipefail

if [ "${1:-}" != --inside ]; then
    exec unshare --mount --pid --uts --ipc --fork --kill-child=KILL --propagation private -- \
        /bin/bash "$0" --inside "$@"
fi
root=$2 kept=$3
shift 3
mkdir -p "$kept/archives/partial" "$kept/cache" "$root/var/cache/xenrecon"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$kept/archives" "$root/var/cache/apt/archives"
mount --bind "$kept/cache" "$root/var/cache/xenrecon"
cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
status=0
# This shell is the first process of all, and takes in those whose parents have ended
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb ${JOBS:+JOBS="$JOBS"} ${LIMIT:+LIMIT="$LIMIT"} \
    chroot "$root" "$@" || status=$?
exit $status
