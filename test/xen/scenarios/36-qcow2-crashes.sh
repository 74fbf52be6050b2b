#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: oxenstored
# kill -9 of the worker, of the server of formats, of its qemu-storage-daemon and of xenrecon, again and again while the guest
# writes to a qcow2: no error, no write is lost, and the image is in order.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

# those xenrecon-blk that are servers (yes), or workers (no)
serving() {
    local pid is
    for pid in $(pids_of xenrecon-blk); do
        is=no
        ! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- --serve-formats || is=yes
        [ $is != "$1" ] || echo "$pid"
    done
}
kill_those() { kill -KILL "$@" 2>/dev/null || true; }
worker() { serving no; }
server() { serving yes; }
daemon() { pids_of qemu-storage-daemon; }

policy_blk
start_xenrecon
create web "disk = ['$(qcow2_disk xvda)']"
disk=qdisk/$(domid web)/51712
reach "Connected" "$disk" 4/4
check "a worker, a server, a daemon" "$(worker | wc -l) $(server | wc -l) $(daemon | wc -w)" "1 1 1"
check "no QEMU but that: xenrecon-dm is its device model" "$(pids_of xen-qemu-system-i386)" ""

start_writer web
for who in worker daemon server; do
    # shellcheck disable=SC2046 # words
    kill_those $($who)
    moves web "the $who is killed: the guest goes on"
done
before="$(server) $(daemon)"
kill_xenrecon
moves web "xenrecon is killed: the guest goes on without it"
start_xenrecon
moves web "and with it again"
check "by the server and the daemon of before" "$(server) $(daemon)" "$before"
# shellcheck disable=SC2046 # words
kill_those $(worker)
moves web "the worker is killed then: the guest goes on"
check "by the server and the daemon of before, again" "$(server) $(daemon)" "$before"
kill_xenrecon
# shellcheck disable=SC2046 # words
kill_those $(worker) $(daemon) $(server)
start_xenrecon
moves web "all are killed: the guest goes on when xenrecon is back"
unharmed web "$disk"
works "xl destroy" destroy web
gone "nothing is left of the device" /local/domain/0/backend/qdisk
becomes "nothing that served it either" "" pids_of xenrecon-blk
becomes "nor the daemon" "" pids_of qemu-storage-daemon
status=0
qemu-img check -q "$images/xvda.qcow2" >"$here/said" 2>&1 || status=$?
check "no harm to the image; clusters may have leaked" "$([[ $status = [03] ]] && echo yes)" yes
