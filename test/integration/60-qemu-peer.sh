#!/bin/bash
# SPDX-License-Identifier: MIT
# The rig's frontend against the real QEMU: what it finds fault with in a backend of ours, a backend that is known to be
# good must pass; and it must find fault where there is one.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"

image=$dir/disk
mebibyte=1048576
"$repo/test/rig/qemu.sh" get
toolstack domain-create 0
start_domain 7 4096 grants
truncate -s 64M "$image"
toolstack attach qdisk 7 51712 "params=aio:$image" mode=w dev=xvda device-type=disk type=qdisk discard-enable=1 \
    F:virtual-device=51712 F:device-type=disk
"$repo/test/rig/qemu.sh" run 7 </dev/null >"$dir/qemu.log" 2>&1 &
b=/local/domain/0/backend/qdisk/7/51712
f=/local/domain/7/device/vbd/51712

blk() { as_domain 7 blkfront 51712 "$@"; }
blk info >"$dir/info"
check "info: what QEMU publishes" "$(grep -E '^(sectors|sector-size|feature-flush-cache)=' "$dir/info" | sort | tr '\n' ' ')" \
    "feature-flush-cache=1 sector-size=512 sectors=131072 "
check "closed in good order" "$(state_of $f) $(state_of $b)" "6 6"

# ---- data

seq 1000000 | head -c $mebibyte >"$dir/data"
exits "write" 0 blk write 3 2048 <"$dir/data"
exits "write: it is in the file" 0 cmp -i 0:1536 -n $mebibyte "$dir/data" "$image"
blk read 3 2048 --ring-order 1 --protocol 64 >"$dir/read"
exits "read: the same" 0 cmp "$dir/data" "$dir/read"
exits "flush" 0 blk flush
exits "discard" 0 blk discard 8 2040
blk read 8 2040 >"$dir/read"
exits "discard: reads as zero" 0 cmp -n 1044480 "$dir/read" /dev/zero

exits "verify: a request at a time" 0 blk verify --count 200 --depth 1
exits "verify: 32 requests, 32-bit layout" 0 blk verify --count 2000 --protocol 32 --seed 2
exits "verify: a ring of four pages" 0 blk verify --count 2000 --ring-order 2 --depth 100 --seed 3
blk verify --count 20000 >"$dir/out" 2>&1 &
verifier=$!
while kill -0 $verifier 2>/dev/null; do
    dd if=/dev/zero of="$image" bs=1M count=16 conv=notrunc status=none
done
got=0
wait $verifier || got=$?
check "verify: sees that writes are lost" "$got $(grep -c 'sector .* holds write 0 ' "$dir/out" | sed 's/^[1-9].*/some/')" "1 some"

blk bench randread --depth 4 --seconds 1 >"$dir/out"
check "bench: one line" "$(grep -cE '^pattern=randread depth=4 bytes=4096 requests=[1-9].* mib_per_s=' "$dir/out")" 1

# ---- good and bad manners

exits "reload" 0 blk reload --count 3
blk hostile >"$dir/out"
check "hostile: what is refused" "$(grep -E '^(good|not-granted|sectors-beyond-page|at-the-end|event-storm|read-into-read-only):' \
    "$dir/out")" \
    "good: 0
sectors-beyond-page: -1
not-granted: -1
read-into-read-only: -1
at-the-end: -1
event-storm: 0"
check "hostile: QEMU survives all of it" "$(grep -c dead "$dir/out" || true)" 0
blk read 0 8 --leave >/dev/null
check "maps: the ring, of a guest that did not close" "$(rigctl maps 7 | sed 's/ pid.*//' | sort -u | tr '\n' ' ')" "page 1 page 16 "
exits "a frontend after one that did not close" 0 blk flush --reset
check "maps: none when it has closed" "$(rigctl maps 7 | sed 's/ pid.*//')" "page 1"

mkfifo "$dir/silence"
exec 3<>"$dir/silence"
blk hold >"$dir/out" 2>&1 <&3 &
holder=$!
await $f/state 4
toolstack detach qdisk 7 51712
reach "hold: closes with the backend" $b absent
got=0
wait $holder || got=$?
check "hold: ends" "$got" 0
