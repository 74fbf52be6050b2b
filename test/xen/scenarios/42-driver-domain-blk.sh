#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: driver
# A disk that xenrecon-blk serves from inside a driver domain, on grants and event channels between two guests: attached,
# written, read back, detached and destroyed by xl in dom0.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

driver_domain store
guest web
use_qdisks web
disk=qdisk/$(domid web)/51712
b=$(b_of "$disk")
f=$(f_of "$disk")
in_store() { in_guest store "$@" || true; }
stored() { in_store 'head -c 4194304 /tmp/xvda.img | md5sum'; }
# shellcheck disable=SC2016  # it is the guest that expands this
read_back() { in_guest web 'echo 3 >/proc/sys/vm/drop_caches; head -c 4194304 /dev/xvda | md5sum'; }
attach="vdev=xvda,format=raw,access=rw,backendtype=qdisk,backend=store,target=/tmp/xvda.img"

in_store 'mkdir -p /etc/xenrecon/policies.d && cp /etc/xenrecon/examples/qdisk.yaml /etc/xenrecon/policies.d'
in_store 'truncate -s 16M /tmp/xvda.img; (xenrecon run >/tmp/log 2>&1 </dev/null &)'
becomes "xenrecon runs in the driver domain" 1 in_store 'grep -cw ready /tmp/log'

works "xl block-attach" xl block-attach web "$attach"
reach "Connected" "$disk" 4/4
becomes "plan is silent, inside" 0 in_store 'xenrecon plan --detailed-exitcode >/dev/null 2>&1; echo $?'
has web xvda
sum=$(in_guest web 'dd if=/dev/urandom of=/tmp/noise bs=64k count=64 2>/dev/null; md5sum </tmp/noise')
in_guest web 'dd if=/tmp/noise of=/dev/xvda bs=64k conv=fsync 2>/dev/null'
check "what the guest wrote is in the driver domain" "$(stored)" "$sum"
check "and the guest reads it back" "$(read_back)" "$sum"
# shellcheck disable=SC2016
in_store 'kill -KILL $(pidof xenrecon-blk)'
sum=$(in_guest web 'dd if=/dev/urandom of=/tmp/noise bs=64k count=64 2>/dev/null; md5sum </tmp/noise')
in_guest web 'dd if=/tmp/noise of=/dev/xvda bs=64k conv=fsync 2>/dev/null'
check "the worker was killed: the guest reads what it wrote then" "$(read_back)" "$sum"

works "xl block-detach" xl block-detach web xvda
gone "nothing is left" "$b" "$f"
becomes "no worker either" none in_store 'pidof xenrecon-blk || echo none'
check "what was written then is in the driver domain" "$(stored)" "$sum"
works "xl block-attach again" xl block-attach web "$attach"
reach "Connected again" "$disk" 4/4
has web xvda
check "everything is there" "$(read_back)" "$sum"
waits_for_nobody "xl destroy of the guest" web
gone "nothing is left of the device" "$b" "$f"
becomes "no worker either, after the destroy" none in_store 'pidof xenrecon-blk || echo none'
destroy store
