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

unlocked() { qemu-img info "$1" >/dev/null 2>&1; }

# killing NAME VICTIM...: of a disk of its own, which has small clusters, so that most writes change its tables
killing() {
    local name=$1 status=0 devid=$((51712 + 16 * disks))
    qemu-img create -q -f qcow2 -o cluster_size=4096 "$dir/disk.$devid" 64M
    attach_image $devid qcow2
    await "$b/state" 2
    disks=$((disks + 1))
    verify_and_kill "$name" 10000 "becomes_true moving" "${@:2}"
    detached $devid
    becomes_true unlocked "$dir/disk.$devid" # the daemon closes it a moment after the worker's end
    qemu-img check -q "$dir/disk.$devid" >"$dir/out" 2>&1 || status=$?
    [[ $status = [03] ]] || cat "$dir/out"
    check "$name: no harm to the image; clusters may have leaked" "$([[ $status = [03] ]] && echo yes)" yes
}

kill_worker() { kill_all workers; }
kill_server() { kill_all servers; }
kill_daemon() { kill_all daemons; }
kill_daemon_and_worker() { kill_all serving; }
serving() { daemons && workers; }

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy --io-uring # the other test is by threads
start_xenrecon --policies "$dir/policies"
disks=0
killing "the daemon" kill_daemon
killing "the worker" kill_worker
killing "the server" kill_server
killing "the controller" restart_xenrecon
killing "daemon and worker at once" kill_daemon_and_worker
killing "all of them" kill_daemon restart_xenrecon kill_worker kill_server
