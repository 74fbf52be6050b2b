#!/bin/bash
# SPDX-License-Identifier: MIT
# From the toolstack's transaction to Connected.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
policy vkbd <<'END'
owner: xenrecon
publish: {feature-abs-pointer: 1, feature-raw-pointer: 0}
END
b=$(b_of qdisk/7/51712)
f=$(f_of qdisk/7/51712)

# ---- there before xenrecon

attach_qdisk 7 51712
check "plan says create" "$(verdict qdisk/7/51712)" "create: create"
check "plan says what would be written" \
    "$(planned qdisk/7/51712 '[w["path"].split("/")[-1] + "=" + w["value"] for w in d["actions"][0]["writes"]]')" \
    "['feature-flush-cache=1', 'hotplug-status=connected', 'xenrecon=<new> 2 -', 'state=2']"
check "plan writes nothing" "$(state_of "$b")" 1
start_xenrecon --policies "$policies"
check "InitWait when xenrecon is ready" "$(state_of "$b")" 2

# ---- what comes with InitWait

mark=$(trace_mark)
attach_qdisk 7 51728
await_quiet 100
check "InitWait, published keys, hotplug-status and marker: one transaction" \
    "$(trace_since "$mark" "$xenrecon_connection" | grep -E '^(WRITE|TRANSACTION)' |
        sed -E "s|$backends/qdisk/7/51728/||; s/[0-9a-f]{16}/ID/")" "\
TRANSACTION_START ( )
WRITE (feature-flush-cache 1)
WRITE (hotplug-status connected)
WRITE (xenrecon ID 2 -)
WRITE (state 2)
TRANSACTION_END (T )"
check "guests may read it, and not write" "$(xenstore-ls -fp "$b" | grep -c '(n0,r7)$')" "$(xenstore-ls -f "$b" | wc -l)"
seen=0
for id in 10 11 12 13 14 15 16 17 18 19; do
    n=$(b_of qdisk/7/$id)
    if toolstack attach qdisk 7 $id params=qcow2:/x mode=r -- wait "$n/state" 2 --timeout-ms "$AWAIT_MS" -- \
        wait "$n/feature-flush-cache" 1 "$n/hotplug-status" connected --timeout-ms 0; then
        seen=$((seen + 1))
    fi
done
check "who sees InitWait sees the rest" $seen 10

# ---- Connected

play qdisk/7/51712 connect
reach "Connected" "$b/state" 4 "$f/state" 4
check "the marker has the ring" "$(wrote_of qdisk/7/51712) $(ring_of qdisk/7/51712 | tr 0-9a-f x)" "4 xxxxxxxxxxxxxxxx"
check "another device is as it was" "$(state_of "$(b_of qdisk/7/51728)")" 2
check "nothing is left to do" "$(verdict qdisk/7/51712)" "steady:"

k=$(b_of vkbd/7/0)
mark=$(trace_mark)
toolstack attach vkbd 7 0
reach "vkbd: InitWait with its features" "$k/state" 2 "$k/feature-abs-pointer" 1 "$k/feature-raw-pointer" 0
xenstore-write "$(f_of vkbd/7/0)/state" 4
reach "vkbd: Connected without connect keys" "$k/state" 4
check "vkbd: states" "$(history "$mark" "$k")" 124

# ---- a frontend without its ring

n=$(b_of qdisk/7/51728)
mark=$(log_mark)
xenstore-write "$(f_of qdisk/7/51728)/state" 3
logged "without connect keys: says which" "$mark" "qdisk/7/51728: missing-key: .*/51728/ring-ref is missing"
check "without connect keys: InitWait" "$(state_of "$n") $(verdict qdisk/7/51728)" \
    "2 connect: warning=missing-key warning=missing-key"
xenstore-write "$(f_of qdisk/7/51728)/ring-ref" 8 "$(f_of qdisk/7/51728)/event-channel" 9 "$(f_of qdisk/7/51728)/state" 3
reach "without connect keys: Connected when they come" "$n/state" 4
xenstore-write "$(f_of qdisk/7/51728)/state" 4

# ---- many at once

front=() all=() attaching=()
for domid in 8 9 10; do
    for id in 1 2 3; do
        attach_qdisk $domid $id &
        attaching+=($!)
        toolstack attach vkbd $domid $id &
        attaching+=($!)
        front+=("$(f_of qdisk/$domid/$id)" "$(f_of vkbd/$domid/$id)")
        all+=("$(b_of qdisk/$domid/$id)/state" 4 "$(b_of vkbd/$domid/$id)/state" 4)
    done
done
wait "${attaching[@]}"
frontend connect "${front[@]}" &
reach "several devices of several guests and types: Connected" "${all[@]}"
await_quiet 100
check "nothing is left to do for anybody" \
    "$("${xenrecon[@]}" plan --format json --policies "$policies" | python3 -c '
import json, sys
s = json.load(sys.stdin)["summary"]
print(s["devices"], s["actions"], s["errors"], s["warnings"])')" "31 0 0 0"
mark=$(trace_mark)
untouched "and nothing is done" "$mark"
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
