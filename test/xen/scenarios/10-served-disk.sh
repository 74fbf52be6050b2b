#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored oxenstored
# short: xenstored
# A disk that the toolstack attaches and xenrecon takes through its handshake, and xl destroy of a guest that uses one.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_disk
start_xenrecon
guest web
use_qdisks web
disk=qdisk/$(domid web)/51712
b=$(b_of "$disk")
f=$(f_of "$disk")

for round in first second; do
    works "$round xl block-attach" attach_disk web xvda
    reach "$round attach: Connected" "$disk" 4/4
    silent "$round attach: plan is silent"
    works "$round xl block-detach" xl block-detach web xvda
    gone "$round detach: nothing is left" "$b" "$f"
done

works "attach for the destroy" attach_disk web xvda
reach "and Connected" "$disk" 4/4
waits_for_nobody "xl destroy" web
gone "nothing is left of the device" "/local/domain/0/backend/qdisk" "$f"
silent "plan is silent"
check "no errors in the log" "$(grep -cE 'failed|cannot|error' "$here/xenrecon.log" || true)" 0
stop_xenrecon
