#!/bin/bash
# SPDX-License-Identifier: MIT
# Somebody writes in a device's directory whenever xenrecon is about to: nothing gets done, and from the deadline on that is
# found, by all who look. What is told of the device is what is there, never what was meant to be.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
# shellcheck source=test/lib/odd.sh
. "$repo/test/lib/odd.sh"

policy_qdisk <<<"deadlines: {create: 800ms, connect: 60s, close: 60s}"
# told EXPRESSION: in Python, of the device `d`, what `status` has
told() {
    "${xenrecon[@]}" status --runtime-dir "$dir/run" --format json qdisk/7/1 | python3 -c '
import json, sys
d = json.load(sys.stdin)["devices"][0]
print(eval(sys.argv[1]))' "$1"
}
# plan_has EXPRESSION: of what plan has, with what the daemon remembers
plan_has() {
    at_odd "${xenrecon[@]}" plan --runtime-dir "$dir/run" --format json qdisk/7/1 | python3 -c '
import json, sys
d = json.load(sys.stdin)["devices"][0]
print(eval(sys.argv[1]))' "$1"
}
b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
# spoiled MORE: until so many more transactions were
spoiled() {
    local want=$(($(odd_did spoiled) + $1))
    enough() { [ "$(odd_did spoiled)" -ge "$want" ]; }
    becomes_true enough || fail "transactions are not spoiled any more"
}
# not_meant NAME STATE: what is told while others write
not_meant() {
    local wrong='' shown
    for _ in {1..8}; do
        spoiled 1
        shown=$(told '"%s, %s" % (d["backend_state"], d["phase"])')
        [ "${shown%,*}" = "$2" ] || wrong+=" $shown"
    done
    check "$1: what is there is told" "$wrong" ""
    check "$1: by plan, too" "$(plan_has 'd["backend_state"]')" "$2"
}

# settles NAME STATE: nobody writes any more
settles() {
    local mark
    mark=$(log_mark)
    kill -USR1 "$odd_pid"
    reach "$1: then it is done" "$b/state" "$2"
    logged "$1: the end is said" "$mark" "qdisk/7/1: cleared: contended"
    check "$1: nothing is found" "$(told '"contended" in d["findings"]')" False
}

odd spoil=online:1
at_odd start_xenrecon --policies "$policies" --resync 0

# ---- it is to be created

attach_qdisk 7 1
spoiled 1
check "create: not found at once" "$(grep -c contended "$dir/xenrecon.log" || true)" 0
not_meant create Initialising
logged "create: found beyond the deadline" 0 "qdisk/7/1: contended: every transaction is spoiled by another client, for more than 0.8 s"
check "create: by status" "$(told 'd["findings"].count("contended"), d["findings_since"]["contended"] is not None')" "(1, True)"
check "create: by plan" "$(plan_has '[f["severity"] for f in d["findings"] if f["code"] == "contended"]')" "['warning']"
not_meant "create, found" Initialising
check "create: said once" "$(grep -c "contended:" "$dir/xenrecon.log")" 1
settles create 2

# ---- it is to be connected

kill -USR1 "$odd_pid"
mark=$(log_mark)
xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9 "$f/state" 3
not_meant connect InitWait
logged "connect: found beyond the deadline" "$mark" "qdisk/7/1: contended: "
not_meant "connect, found" InitWait
settles connect 4
