#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks in formats that xenrecon-blk does not read: a qemu-storage-daemon opens them, one for each guest.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"

# shellcheck source=test/lib/formats.sh
. "$repo/test/lib/formats.sh"

nothing_left() { [ -z "$(servers)$(daemons)$(ls "$dir/run/formats")" ]; }

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy ""
start_xenrecon --policies "$dir/policies"
attach_image 51712 qcow2
reach "qcow2: InitWait, with what the disk is like" "$b/state" 2 "$b/sectors" 131072 "$b/sector-size" 512
seq 1000000 | head -c 1048576 >"$dir/data"
exits "write" 0 blk write 3 2048 <"$dir/data"
blk read 3 2048 >"$dir/read"
exits "read: the same" 0 cmp "$dir/data" "$dir/read"
exits "flush" 0 blk flush
exits "discard, of whole clusters" 0 blk discard 128 1920
blk read 128 1920 >"$dir/read"
exits "discard: reads as zero" 0 cmp -n 983040 "$dir/read" /dev/zero
exits "verify: a request at a time" 0 blk verify --count 200 --depth 1
exits "verify: 32 requests" 0 blk verify --count 2000 --seed 2
exits "verify: a ring of eight pages" 0 blk verify --count 2000 --ring-order 3 --depth 200 --seed 3
exits "verify: indirect requests" 0 blk verify --count 1000 --segments 256 --depth 4 --seed 4
exits "write, to find it in the image" 0 blk write 0 2048 <"$dir/data"
if [ "$jail" = whole ]; then
    of_daemon() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(daemons)/status"; }
    check "the daemon is a user of its own" "$(of_daemon Uid | cut -f1) $(of_daemon Gid | cut -f1) $(of_daemon Groups)" "1900000007 1900000007 "
    check "and has no capability, and none to be had" "$(of_daemon CapPrm) $(of_daemon CapEff) $(of_daemon NoNewPrivs) $(of_daemon Seccomp)" \
        "0000000000000000 0000000000000000 1 2"
fi
check "one server, one daemon" "$(servers | wc -l) $(daemons | wc -l)" "1 1"
attach_image 51728 vhd
reach "vhd: InitWait" "$b/state" 2
exits "vhd: verify" 0 blk verify --count 500 --seed 5
check "two disks: the same server, the same daemon" "$(servers | wc -l) $(daemons | wc -l)" "1 1"

# ---- what cannot be opened, while others are served

head -c 1M /dev/urandom >"$dir/disk.51744"
attach_image 51744 qcow2
says "no qcow2 at all: said so" qdisk/7/51744 worker-died "Image is not in qcow2 format"
detached 51744
attach_image 51760 qcow2 "params=qcow2:$dir/none"
says "no such file: said so" qdisk/7/51760 worker-died "No such file"
detached 51760
attach_image 51824 qcow2 "params=qcow2:$dir/disk.51712"
says "an image that another disk writes to: said so" qdisk/7/51824 worker-died 'Failed to get "write" lock'
detached 51824
start_domain 8 4096 grants
toolstack attach qdisk 8 51712 --frontend vbd "params=qcow2:$dir/disk.51712" mode=w dev=xvda device-type=disk type=qdisk \
    F:virtual-device=51712 F:device-type=disk
says "another guest's disk on it: refused" qdisk/8/51712 worker-died 'Failed to get "write" lock'
says "and both are named: by the one" qdisk/8/51712 shared-image "qdisk/7/51712 writes to the same image, whose format allows for one writer"
says "and by the other" qdisk/7/51712 shared-image "qdisk/8/51712 writes to the same image, whose format allows for one writer"
toolstack detach qdisk 8 51712
await /local/domain/0/backend/qdisk/8/51712/state 6
toolstack remove qdisk 8 51712 --frontend vbd
started=$(grep -c 'worker .* started' "$dir/xenrecon.log")
attach_image 51776 qcow2 "params=zip:$dir/none"
says "a format that nobody serves: said so" qdisk/7/51776 invalid-key params
check "and no worker was started for it" "$(grep -c 'worker .* started' "$dir/xenrecon.log")" "$started"
toolstack remove qdisk 7 51776 --frontend vbd
(umask 077 && qemu-img create -q -f qcow2 "$dir/base" 64M)
qemu-img create -q -f qcow2 -b "$dir/base" -F qcow2 "$dir/disk.51792"
attach_image 51792 qcow2
if [ "$jail" = whole ]; then
    says "a backing file of somebody else's: said so" qdisk/7/51792 worker-died "Permission denied"
fi
detached 51792
detached 51728
detached 51712
exits "the image is in order" 0 qemu-img check -q "$dir/disk.51712"
qemu-img convert -O raw "$dir/disk.51712" "$dir/raw"
exits "what was written is in it" 0 cmp -n 1048576 "$dir/raw" "$dir/data"
becomes_true nothing_left || true
check "nothing is left of the server" "$(servers)$(daemons)$(ls "$dir/run/formats")" ""

# ---- without the program

rm "$daemon"
attach_image 51808 qcow2
says "no daemon: its package is named" qdisk/7/51808 worker-died qemu-system-common
