#!/bin/bash
# SPDX-License-Identifier: MIT
# `xenrecon wait`: until devices are as a script needs them, with a daemon and without.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

policy_qdisk </dev/null
echo 'owner: kernel' | policy vif

# waits NAME ARGUMENT...: in the background, until `came`
waits() {
    waiting=$1
    "${xenrecon[@]}" wait "${@:2}" >"$dir/out" 2>"$dir/err" &
    waiter=$!
}
still() { check "$waiting: not before" "$(kill -0 $waiter && echo waits)" waits; }
# came STATUS [WHAT IS SAID]
came() {
    local status=0
    wait $waiter || status=$?
    check "$waiting: the status" "$status" "$1"
    check "$waiting: what is said" "$(cat "$dir/err")" "${2:-}"
}
# ends NAME STATUS WANT ARGUMENT...
ends() {
    waits "$1" "${@:4}"
    came "$2" "$3"
}

start_xenrecon --policies "$policies"
waits "a device that is not there yet" --for connected qdisk/7/51712
waits_first=$waiter
still
attach_qdisk 7 51712
await "$(b_of qdisk/7/51712)/state" 2
still
play qdisk/7/51712 connect
waiter=$waits_first
came 0
xenstore-write /local/domain/7/name web
ends "what is so already, by its name" 0 "" --for ok web
ends "it is not gone" 2 "xenrecon: qdisk/7/51712: backend Connected, frontend Connected" --for gone --timeout 1 web
toolstack attach vif 7 0
ends "says for whom it waits" 2 "xenrecon: vif/7/0: backend Initialising, frontend Initialising, waits for the backend" \
    --for connected --timeout 1 'vif/*' qdisk/7/51712
ends "not there" 2 "xenrecon: vif/8: there is no such device yet: it waits for the toolstack" --for ok --timeout 1 vif/8
ends "quietly" 2 "" --for ok --timeout 1 --quiet vif/8
ends "what is not there is gone" 0 "" --for gone --timeout 1 vif/8 vif/7/3
waits "gone" --for gone qdisk/7/51712
still
toolstack detach qdisk 7 51712
came 0
ends "not there counts as closed" 0 "" --for closed qdisk/7/51712
stop_xenrecon
xenstore-write "$(b_of vif/7/0)/state" 6
# policies are those in force by default, where there is no daemon
ends "closed, without a daemon" 0 "" --for closed vif/7/0

# ---- mistakes

ends "no goal" 64 "xenrecon: it wants --for connected, closed, gone or ok
xenrecon: see \`xenrecon wait --help\`" vif/7/0
ends "another goal" 64 "xenrecon: --for is connected, closed, gone or ok, not \"well\"
xenrecon: see \`xenrecon wait --help\`" --for well vif/7/0
ends "no device" 64 "xenrecon: it wants a DEVICE, such as qdisk/7/51712 or */web/*
xenrecon: see \`xenrecon wait --help\`" --for ok
ends "no time" 64 "xenrecon: --timeout wants seconds, 1 to 1000000, not \"1m\"
xenrecon: see \`xenrecon wait --help\`" --for ok --timeout 1m vif/7/0
