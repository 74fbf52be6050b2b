#!/bin/bash
# SPDX-License-Identifier: MIT
# Devices that another backend serves are left alone, to the byte.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 0}
destroy: {frontend: true}
END
policy vkbd <<'END'
owner: xenrecon
qemu: false
END
everything() { xenstore-ls -fp /; }
# same NAME BEFORE AFTER
same() { check "$1" "$(diff <(echo "$2") <(echo "$3") || true)" ""; }

# ---- a backend that was there before us

for state in 2 3 4 5; do
    attach_qdisk 7 $state --state $state
    xenstore-write "$(f_of qdisk/7/$state)/state" $state
done
attach_qdisk 8 1 --state 4 --online 0
xenstore-write "$(f_of qdisk/8/1)/state" 4
attach_qdisk 8 2 --state 6
before=$(everything)
start_xenrecon --policies "$policies"
for state in 2 3 4 5; do
    logged "B $state: says the log" 0 "qdisk/7/$state: foreign-backend: "
    check "B $state: plan" "$(verdict qdisk/7/$state)" "foreign: warning=foreign-backend"
done
check "online=0: plan" "$(verdict qdisk/8/1)" "foreign: warning=foreign-backend"
check "Closed: plan" "$(verdict qdisk/8/2)" "foreign: warning=foreign-backend"
await_quiet 100
same "the store is as it was" "$before" "$(everything)"

# ---- whatever the frontend, the toolstack and that backend do

mark=$(trace_mark)
b=$(b_of qdisk/7/4)
f=$(f_of qdisk/7/4)
for state in 5 6 1 2 3 4; do xenstore-write "$f/state" $state; done
for state in 5 6 2 4; do xenstore-write "$b/state" $state; done
toolstack detach qdisk 7 4
untouched "a life that is not ours" "$mark"
toolstack remove qdisk 7 4
attach_qdisk 7 4
reach "attached again: ours" "$b/state" 2

# ---- detached, and nobody at work any more: that is for us to end

xenstore-write "$(f_of qdisk/7/5)/state" 6 "$(b_of qdisk/7/5)/online" 0
reach "unclaimed, detached, Closing: nothing is left" "$(b_of qdisk/7/5)" absent

# ---- QEMU runs, and is about to take the device

xenstore-write /local/domain/0/device-model/9/state running
others() { everything | grep -v '/domain/9[/ ]\|/9[/ ]\|/backend/vkbd '; }
before=$(others)
mark=$(trace_mark)
log=$(log_mark)
b=$(b_of qdisk/9/51712)
attach_qdisk 9 51712
logged "claimed elsewhere: says the log" "$log" "qdisk/9/51712: foreign-backend: the device model of domain 9 runs"
check "claimed elsewhere: plan" "$(verdict qdisk/9/51712)" "claimed-elsewhere: warning=foreign-backend"
untouched "claimed elsewhere: nothing is done" "$mark"
toolstack attach vkbd 9 0
reach "claimed elsewhere: not what QEMU does not serve" "$(b_of vkbd/9/0)/state" 2
mark=$(trace_mark)
toolstack detach qdisk 9 51712
untouched "claimed elsewhere: nor is it closed" "$mark"
toolstack remove qdisk 9 51712
attach_qdisk 9 51712
attach_qdisk 9 51728
await_quiet 100
check "claimed elsewhere: the guest's other disk, too" "$(state_of "$b") $(state_of "$(b_of qdisk/9/51728)")" "1 1"
same "claimed elsewhere: the rest is as it was" "$before" "$(others)"
xenstore-rm /local/domain/0/device-model/9
reach "QEMU is gone: ours" "$b/state" 2 "$(b_of qdisk/9/51728)/state" 2
