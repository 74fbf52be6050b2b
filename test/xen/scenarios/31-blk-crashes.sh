#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored oxenstored
# short: oxenstored
# kill -9 of xenrecon, of the worker, and of both, again and again while the guest writes: no error, and no write is lost.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_blk
start_xenrecon
create web "disk = ['$(qdisk xvda)']"
disk=qdisk/$(domid web)/51712
reach "Connected" "$disk" 4/4

start_writer web
kill_worker() { kill -KILL "$(pids_of xenrecon-blk)"; }

moves web "the guest writes"
for times in first second third; do
    kill_worker
    moves web "the worker is killed for the $times time: the guest goes on"
    kill_xenrecon
    moves web "xenrecon is killed for the $times time: the guest goes on without it"
    start_xenrecon
    moves web "and with it again"
done
kill_xenrecon
kill_worker
start_xenrecon
moves web "both are killed: the guest goes on when xenrecon is back"
unharmed web "$disk"
works "xl destroy" destroy web
gone "nothing is left of the device" /local/domain/0/backend/qdisk
becomes "no worker either" "" pids_of xenrecon-blk
