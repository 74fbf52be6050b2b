#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: driver oxenstored
# short: oxenstored
# A guest as the backend domain of another: xenrecon runs inside it, xl in dom0 attaches and detaches.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

driver_domain store
guest web
use_qdisks web
disk=qdisk/$(domid web)/51712
b=$(b_of "$disk")
f=$(f_of "$disk")

policy_disk
send store "$policies/qdisk.yaml" /etc/xenrecon/policies.d/qdisk.yaml
in_store() { in_guest store "$@" || true; }
check "in the driver domain: plan is silent when it has no device" "$(in_store 'xenrecon plan --detailed-exitcode >/dev/null 2>&1; echo $?')" 0
in_store '(xenrecon run >/tmp/log 2>&1 </dev/null &)'
becomes "xenrecon runs inside it" 1 in_store 'grep -cw ready /tmp/log'

for round in first second; do
    works "$round xl block-attach" attach_disk web xvda backend=store
    reach "$round attach: Connected" "$disk" 4/4
    becomes "$round attach: plan is silent, inside" 0 in_store 'xenrecon plan --detailed-exitcode >/dev/null 2>&1; echo $?'
    works "$round xl block-detach" xl block-detach web xvda
    gone "$round detach: nothing is left" "$b" "$f"
done

works "attach for the destroy" attach_disk web xvda backend=store
reach "and Connected" "$disk" 4/4
waits_for_nobody "xl destroy of the guest" web
gone "nothing is left of the device" "$b" "$f"
check "no errors in the log" "$(in_store 'grep -cE "failed|cannot|error" /tmp/log')" 0
check "and xenrecon still runs" "$(in_store 'pidof xenrecon >/dev/null; echo $?')" 0

guest web
use_qdisks web
disk=qdisk/$(domid web)/51712
works "attach for the end of the driver domain" attach_disk web xvda backend=store
reach "and Connected" "$disk" 4/4
works "xl destroy of the driver domain" destroy store
works "xl block-detach without it" xl block-detach --force web xvda
gone "nothing is left of the device" "$(b_of "$disk")" "$(f_of "$disk")"
destroy web
