#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored oxenstored
# kill -9 of xenrecon, of the worker, and of both, again and again while the guest writes: no error, and no write is lost.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_blk
start_xenrecon
create web "disk = ['$(qdisk xvda)']"
disk=qdisk/$(domid web)/51712
reach "Connected" "$disk" 4/4

# Each round writes 6 MiB of noise to another place, flushes, and reads what the round before wrote from the disk itself.
cat >"$here/writer" <<'END'
round=0
while [ ! -e /tmp/stop ]; do
    round=$((round + 1))
    at=$((round % 5)) before=$(((round + 4) % 5))
    dd if=/dev/urandom of=/tmp/noise.$at bs=64k count=96 2>/dev/null
    dd if=/tmp/noise.$at of=/dev/xvda bs=64k seek=$((at * 96)) conv=fsync 2>/dev/null || echo "write error in $round"
    echo 3 >/proc/sys/vm/drop_caches
    [ $round = 1 ] || dd if=/dev/xvda bs=64k skip=$((before * 96)) count=96 2>/dev/null | cmp - /tmp/noise.$before ||
        echo "lost in $((round - 1))"
    echo $round >/tmp/round
done
END
send web "$here/writer" /tmp/writer
tell web 'sh /tmp/writer >/tmp/errors 2>&1 </dev/null &'
round() { in_guest web 'cat /tmp/round 2>/dev/null || echo 0'; }
# until the guest got further than it was
moves() {
    local before
    before=$(round)
    becomes "$1" yes further_than "$before"
}
further_than() { [ "$(round)" -gt $(($1 + 1)) ] && echo yes || echo no; }
kill_worker() { kill -KILL "$(pids_of xenrecon-blk)"; }

moves "the guest writes"
for times in first second third; do
    kill_worker
    moves "the worker is killed for the $times time: the guest goes on"
    kill_xenrecon
    moves "xenrecon is killed for the $times time: the guest goes on without it"
    start_xenrecon
    moves "and with it again"
done
kill_xenrecon
kill_worker
start_xenrecon
moves "both are killed: the guest goes on when xenrecon is back"
in_guest web 'touch /tmp/stop; while pidof dd cmp >/dev/null; do sleep 1; done'
check "no error, no write lost" "$(in_guest web 'sleep 1; cat /tmp/errors')" ""
check "the guest's kernel saw none" "$(in_guest web 'dmesg | grep -ciE "i/o error|blkfront.*(error|fail)"' || true)" 0
check "and never had to connect again" "$(in_guest web 'dmesg | grep -c "xvda: flush"' || true)" 1
check "it is Connected" "$(states "$disk")" 4/4
works "xl destroy" destroy web
gone "nothing is left of the device" /local/domain/0/backend/qdisk
becomes "no worker either" "" pids_of xenrecon-blk
