#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk from end to end: the toolstack attaches, xenrecon starts xenrecon-blk, a blkif frontend reads and writes in every
# way that blkif has, the disk grows, and all of it is detached again.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"

toolstack domain-create 0
start_domain 7 4096 grants
block_policy
start_xenrecon --policies "$dir/policies"
attach_disk 51712 64M
reach "InitWait, with what the disk is like" "$b/state" 2 "$b/sectors" 131072 "$b/sector-size" 512 \
    "$b/feature-flush-cache" 1 "$b/feature-barrier" 1 "$b/feature-persistent" 0 "$b/hotplug-status" connected
reach "how large a ring may be, in both ways to say it" "$b/max-ring-page-order" 3 "$b/max-ring-pages" 8
reach "what may be discarded, and that not securely" "$b/feature-discard" 1 "$b/discard-granularity" 4096 "$b/discard-alignment" 0 \
    "$b/discard-secure" 0
check "one worker" "$(workers | wc -l)" 1
of_worker() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(workers)/status"; }
if [ "$jail" = whole ]; then
    check "locked in: a user of its own" "$(of_worker Uid | cut -f1) $(of_worker Gid | cut -f1) $(of_worker Groups)" "1900000007 1900000007 "
    check "locked in: no capability" "$(of_worker CapPrm) $(of_worker CapEff) $(of_worker CapBnd)" \
        "0000000000000000 0000000000000000 0000000000000000"
    check "locked in: no files but the socket" "$(ls "/proc/$(workers)/root/")" socket
fi
if [ "$jail" != none ]; then
    check "locked in: no new rights, and a filter" "$(of_worker NoNewPrivs) $(of_worker Seccomp)" "1 2"
fi

# ---- data

seq 1000000 | head -c 1048576 >"$dir/data"
exits "write" 0 blk write 3 2048 <"$dir/data"
exits "write: it is in the image" 0 cmp -i 0:1536 -n 1048576 "$dir/data" "$image"
blk read 3 2048 --ring-order 1 --protocol 64 >"$dir/read"
exits "read: the same" 0 cmp "$dir/data" "$dir/read"
exits "flush" 0 blk flush
exits "discard" 0 blk discard 8 2040
blk read 8 2040 >"$dir/read"
exits "discard: reads as zero" 0 cmp -n 1044480 "$dir/read" /dev/zero
exits "verify: a request at a time" 0 blk verify --count 200 --depth 1
exits "verify: 32 requests, 32-bit layout" 0 blk verify --count 2000 --protocol 32 --seed 2
exits "verify: a ring of eight pages" 0 blk verify --count 2000 --ring-order 3 --depth 200 --seed 3
check "num-ring-pages: as many" "$(blk info --ring-order 2 --pages | grep -o 'ring_pages=[0-9]*')" ring_pages=4
exits "verify: a ring of four pages, said by their number" 0 blk verify --count 1000 --ring-order 2 --pages --depth 100 --seed 5
exits "verify: indirect requests" 0 blk verify --count 1000 --segments 256 --depth 4 --seed 4

# ---- manners, on another disk: who closes too often has to wait

attach_disk 51728 64M
exits "reload" 0 blk reload --count 3
exits "kexec" 0 blk kexec --count 3
exits "a frontend that does not wait" 0 blk read 0 8 --eager
check "no ring is left mapped" "$(rigctl maps 7 | grep -v 'page 1 ' || true)" ""
check "the same worker through all of it" "$(grep -c 'qdisk/7/51728: worker .* started' "$dir/xenrecon.log")" 1

# ---- the disk grows

mkfifo "$dir/hold"
blk hold <"$dir/hold" >/dev/null &
holder=$!
exec 9>"$dir/hold"
await "$f/state" 4 "$b/state" 4
served_by() { pgrep -f "xenrecon-blk .*raw:$image( |$)"; }
before=$(served_by)
limit() { awk '/^Max file size/ { print $4 }' "/proc/$(served_by)/limits"; }
[ "$jail" = none ] || check "it cannot be made longer" "$(limit)" 67108864
truncate -s 65M "$image"
reach "the new size is published" "$b/sectors" 133120 "$b/state" 4
truncate -s 66M "$image"
truncate -s 68M "$image"
reach "and the next" "$b/sectors" 139264 "$b/state" 4
truncate -s 66M "$image"
reach "it is cut short again" "$b/sectors" 135168 "$b/state" 4
exec 8<>"$image" # which is not closed again
python3 -c 'import os; os.ftruncate(8, 67 << 20)'
kill -HUP "$(served_by)"
reach "a look that was asked for" "$b/sectors" 137216 "$b/state" 4
exec 8>&- 9>&-
exits "the frontend was not disturbed" 0 wait $holder
[ "$jail" = none ] || check "what is new may be written to, and no more" "$(limit)" 70254592
exits "written at the new end" 0 blk write 135168 2048 <"$dir/data"
exits "it is in the image" 0 cmp -i 0:69206016 -n 1048576 "$dir/data" "$image"
check "all by one worker" "$(served_by)" "$before"
check "who watches over it has no name of a worker's" "$(pgrep -P "$before" | wc -l) $(served_by | wc -l)" \
    "$([ "$jail" = none ] && echo 0 || echo 1) 1"

# ---- a disk that is only read, and an empty drive

attach_disk 51744 1M mode=r
reach "read-only: said so" "$b/state" 2 "$b/info" 4
exits "read-only: can be read" 0 blk read 0 8
exits "read-only: cannot be written" 1 blk write 0 8 <"$dir/data"
exits "closed in good order" 0 blk read 0 8
attach_disk 51760 1M mode=r device-type=cdrom params=raw:
reach "an empty drive" "$b/state" 2 "$b/sectors" 0 "$b/info" 5

# ---- discards, as the toolstack wants them: absent means that they are wanted

image=$dir/disk.discards
truncate -s 1M "$image"
# attach_discard DEVID [KEY=VALUE]
attach_discard() {
    toolstack attach qdisk 7 "$1" --frontend vbd "params=raw:$image" mode=w dev=xvda device-type=disk type=qdisk "F:virtual-device=$1" \
        F:device-type=disk "${@:2}"
    b=/local/domain/0/backend/qdisk/7/$1
    f=/local/domain/7/device/vbd/$1
}
attach_discard 51824
reach "no discard-enable: offered" "$b/state" 2 "$b/feature-discard" 1
exits "and done" 0 blk discard 8 8
toolstack detach qdisk 7 51824
await "$b/state" 6
attach_discard 51840 discard-enable=0
await "$b/state" 2
exits "discard-enable=0: not offered" 1 xenstore-read "$b/feature-discard"
exits "and refused" 1 blk discard 8 8

# ---- a drive that is attached empty, gets a medium and loses it, its worker killed each time

attach_disk 51808 1M mode=r device-type=cdrom params=
reach "attached empty" "$b/state" 2 "$b/sectors" 0
# again NAME PARAMS SECTORS: as libxl inserts and ejects; another worker sees it
again() {
    xenstore-write "$b/params" "$2"
    kill -KILL "$(worker_of 51808)"
    exits "$1: it can be connected" 0 blk info
    reach "$1: it has what is in it" "$b/sectors" "$3"
    await "$b/state" 6
}
worker_of() { sed -n "s,.*qdisk/7/$1: worker \([0-9]*\) started,\1,p" "$dir/xenrecon.log" | tail -n 1; }
kill -KILL "$(worker_of 51808)"
exits "empty: another worker serves it" 0 blk info
again "inserted" "raw:$image" 2048
again "ejected" "" 0
again "inserted again" "raw:$image" 2048

# ---- past the page cache, and what is not in it

attach_disk 51776 16M direct-io-safe=1
exits "direct: verify" 0 blk verify --count 500 --span 16384
attach_disk 51792 16M
exits "cold: written" 0 blk write 0 2048 <"$dir/data"
sync "$image"
dd if="$image" iflag=nocache count=0 status=none
blk read 0 2048 >"$dir/read"
exits "cold: read" 0 cmp "$dir/data" "$dir/read"

# ---- detach

check "a worker for each disk" "$(find "$dir/run/workers" -name "*.state" | wc -l)" 8
for devid in 51712 51728 51744 51760 51776 51792 51808 51840; do
    toolstack detach qdisk 7 $devid
    await "/local/domain/0/backend/qdisk/7/$devid/state" 6
    toolstack remove qdisk 7 $devid --frontend vbd
done
no_worker() { [ -z "$(workers)" ]; }
becomes_true no_worker || true
check "no worker is left" "$(workers)" ""
nothing_left() { [ -z "$(ls "$dir/run/workers")" ]; }
becomes_true nothing_left || true
check "nothing is left in the run directory" "$(ls "$dir/run/workers")" ""
check "no system call was missing" "$(grep -F 'system call' "$dir/xenrecon.log" || true)" ""
