# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# After testlib.sh: disks that take their time and fail when they are told to (rig/slowdisk.c), which takes root, FUSE and loop
# devices. A test that wants one calls `slow_here` first, and says why it does nothing where there are none.
# shellcheck disable=SC2034,SC2154  # for whom sources this, and what testlib.sh sets
slow_disks=()

slow_here() {
    [ "$(id -u)" = 0 ] && [ -e /dev/fuse ] && [ -e /dev/loop-control ] && [ -x "${RIG_BUILD:-$repo/build}/test/rig/slowdisk" ] &&
        losetup --find >/dev/null 2>&1
}

# slow_disk NAME SIZE: its folder is $dir/NAME; sets slow, a block device of it
slow_disk() {
    mkdir "$dir/$1"
    truncate -s "$2" "$dir/$1.image"
    slowdisk "$dir/$1.image" "$dir/$1"
    slow=$(losetup --direct-io=on --find --show "$dir/$1/disk")
    blockdev --setra 0 "$slow"
    slow_disks+=("$slow $dir/$1")
}

# knobs NAME KNOB=VALUE...
knobs() {
    local name=$1
    shift
    echo "$*" >"$dir/$name/knobs"
}

# knob NAME KNOB
knob() {
    sed -n "s/^$2=//p" "$dir/$1/knobs"
}

# Before all else is ended: what waits is let go, or nobody could end who waits for it.
finish_slow() {
    local status=$? disk pids
    trap - EXIT ERR
    set +e
    stop_xenrecon
    mapfile -t pids < <(jobs -p) # a QEMU may have one of them open
    [ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
    pkill -KILL -f "xenrecon-blk .*$dir/"
    ! mountpoint -q "$dir/mounted" || umount -l "$dir/mounted"
    for disk in "${slow_disks[@]}"; do
        echo "hold-writes=0 hold-syncs=0 read-us=0 write-us=0 sync-us=0 odd-every=0" >"${disk#* }/knobs"
        pkill -KILL -f "xenrecon-blk .*(${disk% *}|${disk#* }/disk)( |$)"
        losetup -d "${disk% *}" 2>/dev/null # when the last who has it open has closed it
        becomes_true fusermount3 -u -q "${disk#* }"
    done
    (exit $status)
    finish
}
trap finish_slow EXIT
