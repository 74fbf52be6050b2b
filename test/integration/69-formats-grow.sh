#!/bin/bash
# SPDX-License-Identifier: MIT
# An image in another format is made longer while its guest uses it: the guest sees it, and writes to what is new.
# shellcheck disable=SC2119 # options are for whom they matter
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
. "$repo/test/lib/block.sh"
# shellcheck source=test/lib/formats.sh
. "$repo/test/lib/formats.sh"

grow() { "$XENRECON_BLK" --grow "$@" "$dir/run"; }
refuses() {
    local name=$1 phrase=$2
    shift 2
    exits "$name: refused" 1 grow "$@"
    check "$name: said why" "$(grep -c "$phrase" "$dir/out")" 1
}

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy
start_xenrecon --policies "$dir/policies"
attach_image 51712 qcow2
reach "InitWait" "$b/state" 2 "$b/sectors" 131072
mkfifo "$dir/hold"
blk hold <"$dir/hold" >/dev/null &
holder=$!
exec 9>"$dir/hold"
await "$f/state" 4 "$b/state" 4
before="$(workers) $(servers) $(daemons)"
exits "grown while connected" 0 grow qdisk/7/51712 80M
reach "the new size is published, and the guest is made to look" "$b/sectors" 163840 "$b/state" 4
exits "and again" 0 grow qdisk/7/51712 100663296
reach "the next size" "$b/sectors" 196608 "$b/state" 4
exec 9>&-
exits "the frontend was not disturbed" 0 wait $holder
seq 100000 | head -c 524288 >"$dir/data"
exits "write to what is new" 0 blk write 195584 1024 <"$dir/data"
blk read 195584 1024 >"$dir/read"
exits "read: the same" 0 cmp "$dir/data" "$dir/read"
exits "verify, all of it" 0 blk verify --count 500
exits "write it again" 0 blk write 195584 1024 <"$dir/data"
check "by the worker, server and daemon of before" "$(workers) $(servers) $(daemons)" "$before"
refuses "shorter" "never made shorter" qdisk/7/51712 64M
refuses "no multiple of a sector" "multiple of 512" qdisk/7/51712 100663297
refuses "a disk that is not there" "no image open here" qdisk/7/51728 1G
refuses "a guest that has none" "No such file" qdisk/8/51712 1G
exits "no size" 64 grow qdisk/7/51712 big
exits "no device" 64 grow ../7/51712 1G
kill -KILL "$(workers)"
becomes_true test -n "$(workers)" || true
exits "the next worker" 0 blk read 195584 1024
reach "has it, too" "$b/sectors" 196608
detached 51712
exits "the image is in order" 0 qemu-img check -q "$dir/disk.51712"
check "and is as long" "$(qemu-img info --output=json "$dir/disk.51712" | python3 -c 'import json, sys; print(json.load(sys.stdin)["virtual-size"])')" 100663296
qemu-img convert -O raw "$dir/disk.51712" "$dir/raw"
exits "what was written is in it" 0 cmp -n 524288 <(tail -c 524288 "$dir/raw") "$dir/data"

# ---- or while nobody uses it

qemu-img resize -q "$dir/disk.51712" 128M
attach_image 51712 qcow2
reach "grown while detached" "$b/state" 2 "$b/sectors" 262144
