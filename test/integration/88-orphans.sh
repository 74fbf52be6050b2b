#!/bin/bash
# SPDX-License-Identifier: MIT
# Orphans: devices of kernels and others whose guest or frontend is gone are reported, and removed where the policy has it so.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"

mkdir "$dir/policies"
cat >"$dir/policies/vbd.yaml" <<EOF
version: 1
type: vbd
owner: kernel
orphan: {grace: 2s, action: remove}
EOF
cat >"$dir/policies/qdisk.yaml" <<EOF
version: 1
type: qdisk
frontend: vbd
owner: external
orphan: {grace: 300ms}
EOF

cat >"$dir/policies/vif.yaml" <<EOF
version: 1
type: vif
owner: kernel
backend-keys: {handle: {required: true}}
deadlines: {create: 200ms}
orphan: {action: remove}
EOF

vbd=/local/domain/0/backend/vbd
qdisk=/local/domain/0/backend/qdisk
toolstack attach vbd 7 1 --state 2 -- attach vbd 7 2 --state 4 -- attach qdisk 7 3 --state 4 -- attach vbd 8 1 --state 2 -- \
    attach vbd 9 1 --state 2
start_xenrecon --policies "$dir/policies"
before=$(xenstore-ls -f /local/domain/0/backend)
await_quiet 500
check "with their guests there, all stay" "$(xenstore-ls -f /local/domain/0/backend)" "$before"

mark=$(trace_mark)
toolstack domain-destroy 7
reach "the guest is gone: its device is removed" $vbd/7/1 absent
await_quiet 500
check "what the kernel still serves stays" "$(state_of $vbd/7/2)" 4
check "what is only to be reported stays" "$(state_of $qdisk/7/3)" 4
check "and is reported" "$(grep -c 'qdisk/7/3: orphan: domain 7 is gone' "$dir/xenrecon.log")" 1
check "nothing else was touched" "$(trace_since "$mark" "$xenrecon_connection" | grep -E '^(WRITE|RM|MKDIR) ')" "RM ($vbd/7/1 )"
xenstore-write $vbd/7/2/state 6
reach "once the kernel is done with it, it is removed" $vbd/7/2 absent
reach "and its parent with the last" $vbd/7 absent

xenstore-rm /local/domain/8/device/vbd/1
exits "the guest lives, its frontend is gone: reported" 0 \
    becomes_true grep -q 'vbd/8/1: orphan: the frontend of domain 8 is gone' "$dir/xenrecon.log"
await_quiet 500
check "but online in a living domain it stays" "$(state_of $vbd/8/1)" 2
xenstore-write $vbd/8/1/online 0
reach "until it is detached" $vbd/8/1 absent

# a guest that comes back within the grace
xenstore-rm /local/domain/9/device/vbd/1
toolstack attach vbd 9 1 --state 2
await_quiet 2500
check "back within the grace: it stays" "$(state_of $vbd/9/1)" 2

# nobody takes it, and its keys are all there: also where it is looked at in a transaction, as what may be removed is

toolstack attach vif 9 0 handle=0
exits "nobody takes it: reported" 0 becomes_true grep -q 'vif/9/0: unclaimed-backend' "$dir/xenrecon.log"
mark=$(trace_mark)
xenstore-write /local/domain/0/backend/vif/9/0/frontend-id 9
await_quiet 300
check "it was looked at in a transaction" "$(trace_since "$mark" "$xenrecon_connection" | grep -c TRANSACTION_START)" 1
check "and lacks nothing" "$(grep -c 'vif/9/0: missing-key' "$dir/xenrecon.log" || true)" 0
