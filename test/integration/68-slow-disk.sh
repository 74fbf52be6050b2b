#!/bin/bash
# SPDX-License-Identifier: MIT
# Storage that takes its time, and storage that fails. What is slow holds up nothing else; there are as many requests under
# way as the guest asks for; a worker that is killed leaves none behind. A flush that failed is never made good by another.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"
# shellcheck source=test/lib/slow.sh
. "$repo/test/lib/slow.sh"
if ! slow_here; then
    echo "no FUSE, or no loop devices, or nobody who may use them: no disk can be made slow"
    exit
fi

toolstack domain-create 0
start_domain 7 16000 grants
block_policy
start_xenrecon --policies "$dir/policies"

# attach_slow DEVID NAME [KEY=VALUE...]: a slow disk of 64 MiB
attach_slow() {
    local devid=$1 name=$2
    shift 2
    slow_disk "$name" 64M
    attach_disk "$devid" 64M "params=raw:$slow" "$@"
    await "$b/state" 2
}

# worker_of: of the last disk
worker_of() { pgrep -f "xenrecon-blk .*$slow( |$)" || true; }
kill_worker() { kill -KILL "$(worker_of)"; }

ended() { ! grep -q '^State:.*[^Z] (' "/proc/$1/status" 2>/dev/null; }

# passes NAME WHAT: reads pass it; in the background, its process in `guest`
passes() {
    blk overtake "$2" >"$dir/passed" 2>&1 &
    guest=$!
    becomes_true grep -q passed "$dir/passed" || cat "$dir/passed"
    check "$1: reads pass it" "$(cat "$dir/passed")" passed
}

# ---- what is slow, past the page cache

attach_slow 51712 direct direct-io-safe=1
knobs direct hold-writes=1
passes "a write that takes its time" write
knobs direct hold-writes=0
exits "it is done in the end" 0 wait $guest

knobs direct hold-writes=1
passes "a write, and then the worker is killed" write
before=$(worker_of)
kill_worker
knobs direct hold-writes=0
exits "the next worker does it again, though its place in the ring is lost" 0 wait $guest
check "that was another worker" "$([ "$(worker_of)" != "$before" ] && echo yes)" yes

seq 1000000 | head -c 4096 >"$dir/data"
exits "written" 0 blk write 0 8 <"$dir/data"
exits "flushed" 0 blk flush
before=$(knob direct syncs)
exits "a flush when nothing was written" 0 blk flush
exits "and another" 0 blk flush
check "is no work for the disk" "$(knob direct syncs)" "$before"
exits "written again" 0 blk write 8 8 <"$dir/data"
exits "a flush when something was" 0 blk flush
check "is" "$([ "$(knob direct syncs)" -gt "$before" ] && echo yes)" yes

# deep NAME DEPTH ORDER: all that the guest asks for is under way
deep() {
    knobs direct at-once=0 read-us=100000
    blk bench randread --depth "$2" --ring-order "$3" --seconds 1 >/dev/null
    check "$1: $2 requests under way" "$(knob direct at-once)" "$2"
    knobs direct read-us=0
}
deep "a ring of one page" 32 0
deep "a ring of four pages" 128 2 # a loop device has no more

knobs direct write-us=500
for seed in 1 2 3; do
    blk verify --count 2000 --seed $seed --ring-order $((seed - 1)) --depth 64 --progress 100 >"$dir/verify" 2>&1 &
    guest=$!
    for n in 3 8 13; do
        becomes_true eval "ended $guest || grep -q 'acknowledged=$((n * 100))' $dir/verify" || cat "$dir/verify"
        kill_worker || true
        becomes_true worker_of >/dev/null
    done
    exits "verify, its worker killed three times: $seed" 0 wait $guest || cat "$dir/verify"
done
knobs direct write-us=0

# ---- a file: a loop device does nothing beside a flush

slow_disk file 64M
attach_disk 51792 64M "params=raw:$dir/file/disk"
await "$b/state" 2
exits "written to a file" 0 blk write 0 8 <"$dir/data"
knobs file hold-syncs=1
passes "a flush that takes its time" flush
knobs file hold-syncs=0
exits "it is done in the end, too" 0 wait $guest
knobs file hold-writes=1
passes "a write to a file that takes its time" write
knobs file hold-writes=0
exits "it is done" 0 wait $guest

# ---- through the page cache

attach_slow 51728 cached
knobs cached odd-every=2 odd-us=300000
blk bench randread --depth 32 --seconds 2 >"$dir/bench"
check "every second read takes 300 ms: many at a time all the same" "$([ "$(knob cached at-once)" -ge 24 ] && echo yes)" yes
knobs cached odd-every=0

# ---- sectors of 4 KiB

# large_sectors NAME DEVID PARAMS: a disk of these, past the page cache
large_sectors() {
    attach_disk "$2" 64M "params=raw:$3" direct-io-safe=1
    reach "$1: said so" "$b/state" 2 "$b/sector-size" 4096
    exits "$1: verify" 0 blk verify --count 500
    exits "$1: nothing smaller" 1 blk read 1 1
    exits "$1: closed in good order" 0 blk read 0 8
    toolstack detach qdisk 7 "$2"
    await "$b/state" 6
    toolstack remove qdisk 7 "$2" --frontend vbd
}
truncate -s 64M "$dir/large"
large=$(losetup --direct-io=on --sector-size 4096 --find --show "$dir/large")
large_sectors "a device" 51808 "$large"
if [ -n "$(command -v mkfs.ext4)" ]; then
    mkfs.ext4 -q -b 4096 "$large"
    mkdir "$dir/mounted"
    mount "$large" "$dir/mounted"
    truncate -s 32M "$dir/mounted/image"
    large_sectors "a file on one" 51824 "$dir/mounted/image"
    becomes_true umount "$dir/mounted"
fi
losetup -d "$large"

# ---- without io_uring

sed -i -e "s|LD_PRELOAD: '|&${RIG_BUILD:-$repo/build}/test/rig/intruder.so |" -e "s|RIG_DIR:|INTRUDER: no-io_uring, RIG_DIR:|" "$dir/policies/qdisk.yaml"
kill -HUP $xenrecon_pid
becomes_true grep -q 'policies reloaded' "$dir/xenrecon.log" || true
attach_slow 51744 threads direct-io-safe=1
check "there are threads instead" "$([ "$(find "/proc/$(worker_of)/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 256 ] && echo yes)" yes
knobs threads hold-writes=1
passes "threads: a write that takes its time" write
knobs threads hold-writes=0
exits "threads: it is done in the end" 0 wait $guest
knobs threads at-once=0 read-us=100000
blk bench randread --depth 128 --ring-order 2 --seconds 1 >/dev/null
check "threads: 128 requests under way" "$(knob threads at-once)" 128
knobs threads read-us=0
exits "threads: verify" 0 blk verify --count 2000

# ---- what fails

# fails_for_ever NAME DISK: a flush has failed
fails_for_ever() {
    local found
    exits "$1: the next one fails, too" 1 blk flush
    kill_worker
    exits "$1: and with another worker" 1 blk flush
    exits "$1: reads go on" 0 blk read 0 8
    kill_xenrecon
    start_xenrecon --policies "$dir/policies"
    exits "$1: and with another controller" 1 blk flush
    found=$("${xenrecon[@]}" plan --runtime-dir "$dir/run" "qdisk/7/${b##*/}" 2>/dev/null | grep -F lost-write | sed "s, (since .*,," || true)
    check "$1: the finding says so" "$found" \
        "    ! error lost-write: the worker says: a flush of the image failed (Input/output error): data is lost, and all flushes fail from now on"
    toolstack detach qdisk 7 "${b##*/}"
    await "$b/state" 6
    toolstack remove qdisk 7 "${b##*/}" --frontend vbd
    attach_disk "${b##*/}" 64M "params=raw:$2"
    await "$b/state" 2
    exits "$1: attached anew, all is well" 0 blk flush
    found=$("${xenrecon[@]}" plan --runtime-dir "$dir/run" "qdisk/7/${b##*/}" 2>/dev/null | grep -F lost-write || true)
    check "$1: and nothing is found" "$found" ""
}

attach_slow 51760 writeback
exits "a write that is answered" 0 blk write 0 8 <"$dir/data"
knobs writeback bad-writes=1
exits "and fails when it is written back: the flush says so" 1 blk flush
fails_for_ever "a write was lost" "$slow"

attach_slow 51776 sync direct-io-safe=1
exits "past the page cache: a write" 0 blk write 0 8 <"$dir/data"
knobs sync bad-syncs=1
exits "the disk's own cache fails" 1 blk flush
fails_for_ever "the disk lost it" "$slow"
check "no system call was missing" "$(grep -F 'system call' "$dir/xenrecon.log" || true)" ""
