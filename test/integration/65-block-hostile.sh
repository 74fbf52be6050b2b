#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests that mean it badly: whatever one of them puts on its ring or into its directory, its own disk is all that suffers.
# Another guest's disk on the same host is written and read all the while.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"

toolstack domain-create 0
start_domain 7 4096 grants
start_domain 8 4096 grants
block_policy
start_xenrecon --policies "$dir/policies"

truncate -s 64M "$dir/disk.good"
toolstack attach qdisk 8 51712 --frontend vbd "params=raw:$dir/disk.good" mode=w dev=xvda device-type=disk
await /local/domain/0/backend/qdisk/8/51712/state 2
as_domain 8 blkfront 51712 verify --count 1000000 --progress 1000 >"$dir/good" 2>&1 &
good=$!
serves() { kill -0 $good 2>/dev/null; }
while serves && ! grep -q acknowledged "$dir/good"; do sleep 0.02; done

# ---- requests

attach_disk 51712 8M
await "$b/state" 2
blk hostile >"$dir/out"
check "what is done: requests that are right, and only these" "$(sed -n 's/: 0$//p' "$dir/out" | tr '\n' ' ')" \
    "good barrier write-first flush-with-segments indirect-good event-storm "
check "what is not supported" "$(sed -n 's/: -2$//p' "$dir/out" | tr '\n' ' ')" \
    "unknown-operation reserved-operation indirect-unknown indirect-of-indirect "
check "all else is an error, and the ring goes on" "$(grep -cvE ': (0|-2)$' "$dir/out") $(grep -c ': -1$' "$dir/out")" "22 22"

# ---- rings

for case in producer-too-far producer-backwards; do
    blk hostile $case >"$dir/out" || true
    check "$case: the ring is given up, and nothing else" "$(cat "$dir/out")" "$case: backend stays"
done
check "the worker says what is wrong with it" "$(grep -c 'worker-error: the worker says:' "$dir/xenrecon.log" | sed 's/[1-9].*/some/')" some
blk read 0 8 >/dev/null
pass "the next connection works"

# rubbish REF PORT: a ring that nobody can connect to
rubbish() {
    as_domain 7 xenstore-write device/vbd/51712/state 1
    await "$b/state" 2
    as_domain 7 xenstore-write device/vbd/51712/ring-ref "$1" device/vbd/51712/event-channel "$2" device/vbd/51712/state 3
    becomes_true grep -q "$3" "$dir/xenrecon.log" || fail "nothing is said about a ring of $1 and $2"
    check "ring $1, port $2: not connected" "$(state_of "$b")" 2
    as_domain 7 xenstore-write device/vbd/51712/state 6
    await "$b/state" 6
}
rubbish 4294967295 1 "the worker says"
port=$(as_domain 8 xenstore-read device/vbd/51712/event-channel)
rubbish 1 "$port" "the worker says"
rubbish 12345678901 7 invalid-key
blk read 0 8 >/dev/null
pass "and the next that is right works"

check "the same worker through all of it" "$(grep -c 'qdisk/7/51712: worker .* started' "$dir/xenrecon.log")" 1
if serves; then
    pass "the other guest's disk was served all the while"
else
    cat "$dir/good"
    fail "the other guest's disk was served all the while"
fi
n=$(wc -l <"$dir/good")
while serves && [ "$(wc -l <"$dir/good")" = "$n" ]; do sleep 0.02; done
exits "and still is" 0 serves
