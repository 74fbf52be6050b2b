#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 of xenrecon-blk, of xenrecon, and of both, while a guest writes: the guest sees no error and waits for nothing but
# a moment, and nothing that was acknowledged is lost. blkfront verify writes a pattern, remembers what was answered, and
# reads all of it again.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"

# killing NAME VICTIM...
killing() { verify_and_kill "$1" 30000 true "${@:2}"; }
kill_worker() { kill_all workers; }

mkdir "$dir/bin" # where it can be taken away from
cp "$XENRECON_BLK" "$dir/bin/xenrecon-blk"
XENRECON_BLK=$dir/bin/xenrecon-blk
toolstack domain-create 0
start_domain 7 4096 grants
block_policy
start_xenrecon --policies "$dir/policies"
attach_disk 51712 64M
await "$b/state" 2

killing "the worker" kill_worker
until before=$(workers) && [ -n "$before" ] && sleep 0.1 && [ "$before" = "$(workers)" ]; do sleep 0.02; done
killing "the controller" restart_xenrecon
check "the controller: the worker went on" "$(workers)" "$before"
attach_disk 51728 64M
await "$b/state" 2
killing "both" kill_worker restart_xenrecon
toolstack detach qdisk 7 51728
reach "detached in good order" "$b/state" 6

# ---- at each moment of an answer

# at FUNCTION: waits until the disk's worker is watched; `killer` ends when it was killed there
at() {
    local address
    address=$(nm "$XENRECON_BLK" | awk -v name="$1" '$3 == name { print $1 }')
    rm -f "$dir/armed" # what the last one said
    killat "$(worker)" "$address" >"$dir/armed" 2>&1 &
    killer=$!
    becomes_true grep -qs armed "$dir/armed" || cat "$dir/armed"
}
worker() {
    "${xenrecon[@]}" status --runtime-dir "$dir/run" --quiet --format json qdisk/7/51744 2>/dev/null |
        sed -n '/"worker": {/,/}/s/.*"pid": \([0-9]*\),.*/\1/p' || true
}
# Through whatever was started when it was killed.
alive() { grep -q '^State:.*[^Z] (' "/proc/$(worker)/status" 2>/dev/null; }

if [ "$(id -u)" = 0 ] && [ -z "${ASAN_OPTIONS:-}${TSAN_OPTIONS:-}" ]; then
    seq 1000000 | head -c 4096 >"$dir/data"
    attach_disk 51744 1M
    await "$b/state" 2
    mkfifo "$dir/go"
    for moment in journal_record ring_put ring_push journal_push; do
        becomes_true alive
        at $moment
        exits "killed at $moment: the guest sees nothing of it" 0 blk write 0 8 <"$dir/data"
        exits "it was killed" 0 wait $killer
        exits "what was written is there" 0 cmp -n 4096 "$dir/data" "$image"
        becomes_true alive
        at $moment
        mv "$XENRECON_BLK" "$dir/none" # no other is started yet
        blk come-back 0 8 <"$dir/go" >"$dir/read" &
        guest=$!
        exec 9>"$dir/go"
        exits "killed again" 0 wait $killer
        exec 9>&-
        await "$f/state" 1
        mv "$dir/none" "$XENRECON_BLK"
        exits "the guest connects anew, with the same keys" 0 wait $guest
        { echo asked && cat "$dir/data"; } | cmp - "$dir/read" && same=yes || same=no
        check "and is answered what it asks now" "$same" yes
    done
fi
