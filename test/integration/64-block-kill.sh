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

# killing NAME VICTIM...: while thousands of writes are under way, each of the victims in turn, until they are done; and
# again, until there were five kills
killing() {
    local name=$1 pid status=0 kills=0 victim
    shift
    while [ $status = 0 ] && [ $kills -lt 5 ]; do
        blk verify --count "${WRITES:-30000}" --seed "$((kills_so_far + kills))" >"$dir/out" 2>&1 &
        pid=$!
        while kill -0 $pid 2>/dev/null; do
            for victim; do
                sleep "0.$(printf %03d $((RANDOM % 150 + 50)))"
                $victim
                kills=$((kills + 1))
            done
        done
        wait $pid || status=$?
    done
    [ $status = 0 ] || cat "$dir/out"
    check "$name: no error, nothing lost, killed five times or more" $status 0
    kills_so_far=$((kills_so_far + kills))
}

kill_worker() {
    local pids
    mapfile -t pids < <(workers)
    [ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
}

restart_xenrecon() {
    kill_xenrecon
    start_xenrecon --policies "$dir/policies"
}

toolstack domain-create 0
start_domain 7 4096 grants
block_policy
start_xenrecon --policies "$dir/policies"
kills_so_far=1
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
