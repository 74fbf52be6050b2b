#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 of xenrecon-blk, of the server of formats, of its qemu-storage-daemon and of xenrecon, in any order, while a guest
# writes to a qcow2: it sees no error, and finds all that it has written, flushed or not.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"
# shellcheck source=test/lib/formats.sh
. "$repo/test/lib/formats.sh"

# moving GUEST: does the daemon read or write? Or is there nobody any more who would have it do so
daemon_io() { cat "/proc/$(daemons | tail -n 1)/io" 2>/dev/null || true; }
moving() {
    local before
    before=$(daemon_io)
    sleep 0.02
    [[ -n $before && "$before" != "$(daemon_io)" ]] || ! kill -0 "$1" 2>/dev/null
}

# killing NAME VICTIM...: while thousands of writes are under way, each of the victims in turn, until they are done; and
# again, until there were five kills. The image has small clusters, so most writes change its tables.
killing() {
    local name=$1 pid status=0 kills=0 victim devid=$((51712 + 16 * disks))
    shift
    qemu-img create -q -f qcow2 -o cluster_size=4096 "$dir/disk.$devid" 64M
    attach_image $devid qcow2
    await "$b/state" 2
    disks=$((disks + 1))
    while [ $status = 0 ] && [ $kills -lt 5 ]; do
        blk verify --count "${WRITES:-10000}" --seed "$((kills_so_far + kills))" >"$dir/out" 2>&1 &
        pid=$!
        while kill -0 $pid 2>/dev/null; do
            for victim; do
                becomes_true moving $pid
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
    detached $devid
    status=0
    qemu-img check -q "$dir/disk.$devid" >"$dir/out" 2>&1 || status=$?
    check "$name: no harm to the image; clusters may have leaked" "$([[ $status = [03] ]] && echo yes)" yes
}

kill_all() {
    local pids
    mapfile -t pids < <("$@")
    [ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
}
kill_worker() { kill_all workers; }
kill_server() { kill_all servers; }
kill_daemon() { kill_all daemons; }
kill_daemon_and_worker() { kill_all serving; }
serving() { daemons && workers; }
restart_xenrecon() {
    kill_xenrecon
    start_xenrecon --policies "$dir/policies"
}

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy --io-uring # the other test is by threads
start_xenrecon --policies "$dir/policies"
kills_so_far=1
disks=0
killing "the daemon" kill_daemon
killing "the worker" kill_worker
killing "the server" kill_server
killing "the controller" restart_xenrecon
killing "daemon and worker at once" kill_daemon_and_worker
killing "all of them" kill_daemon restart_xenrecon kill_worker kill_server
