#!/bin/bash
# SPDX-License-Identifier: MIT
# What the toolstack, or whoever, wrote into B, and nobody can make sense of: said, and nothing is written.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
touch "$dir/xenrecon.log"
start_xenrecon --policies "$policies"

attach_qdisk 7 1
play qdisk/7/1 connect
await "$(b_of qdisk/7/1)/state" 4
attach_qdisk 7 2
await "$(b_of qdisk/7/2)/state" 2
good=("$(b_of qdisk/7/1)/state" 4 "$(b_of qdisk/7/2)/state" 2)

# refused NAME KEY VALUE ROW CODE: a new device with that in B's key, while nobody looks
ids=100 names=() wanted=() said=()
refused() {
    local b
    ids=$((ids + 1))
    b=$(b_of qdisk/7/$ids)
    attach_qdisk 7 $ids
    xenstore-write -- "$b/$2" "$3"
    names+=("$1")
    wanted+=("qdisk/7/$ids $4 error=$5")
    said+=("qdisk/7/$ids: $5: ")
}

log=$(log_mark)
kill -STOP $xenrecon_pid
for value in "" 9 -1 01 " 1" "1 " 0x1 one 1.0 99999999999999999999; do
    refused "state '$value'" state "$value" bad-value bad-value
done
for value in "" 2 yes true 01 "1 "; do
    refused "online '$value'" online "$value" bad-value bad-value
done
for value in "" x -7 07 " 7" 32752 65543 4294967303; do
    refused "frontend-id '$value'" frontend-id "$value" bad-value bad-value
done
for value in "" 2 "0123456789abcdef 9 -" "0123456789ABCDEF 2 -" "0123456789abcdef 2 -x" "0123456789abcdef 4 0123"; do
    refused "marker '$value'" xenrecon "$value" bad-value bad-value
done
refused "frontend-id of another domain" frontend-id 8 mismatched mismatched-frontend
for path in /local/domain/8/device/vbd/1 /local/domain/7 /local/domain/7/ /local/domain/70/device/vbd/1 device/vbd/1 "" / \
    /local/domain/7/../0/x '/local/domain/7/device/vbd/1 x' /local/domain/0/backend/qdisk/7/1 /local/domain/7//device; do
    refused "frontend '$path'" frontend "$path" mismatched mismatched-frontend
done
before=$(xenstore-ls -fp /)
kill -CONT $xenrecon_pid
mapfile -t plan < <("${xenrecon[@]}" plan --format json --policies "$policies" | python3 -c '
import json, sys
for d in json.load(sys.stdin)["devices"]:
    print(d["device"], d["row"], *[f["severity"] + "=" + f["code"] for f in d["findings"]], *d["actions"])' |
    sort -t / -k 3n | tail -n +3)
for i in "${!names[@]}"; do
    check "${names[i]}: plan" "${plan[i]}" "${wanted[i]}"
    logged "${names[i]}: the log" "$log" "${said[i]}"
done
await_quiet 100
check "the store is as it was" "$(diff <(echo "$before") <(xenstore-ls -fp /) || true)" ""
check "the others do not notice" "$(toolstack wait "${good[@]}" --timeout-ms 0 && echo well)" well

# ---- in a device that we serve, and put right again

b=$(b_of qdisk/7/1)
marker=$(xenstore-read "$b/xenrecon")
for key in state online frontend-id xenrecon frontend; do
    was=$(xenstore-read "$b/$key")
    mark=$(trace_mark)
    log=$(log_mark)
    xenstore-write "$b/$key" "/local/domain/8"
    logged "served, $key: says the log" "$log" "qdisk/7/1: (bad-value|mismatched-frontend): "
    untouched "served, $key: nothing is written" "$mark"
    xenstore-write "$b/$key" "$was"
    await_quiet 100
    check "served, $key: steady when it is right again" "$(state_of "$b") $(verdict qdisk/7/1)" "4 steady:"
done
check "served: the same as before" "$(xenstore-read "$b/xenrecon")" "$marker"
toolstack detach qdisk 7 1
reach "served: detached as if nothing had been" "$b/state" 6
check "no raw control characters in the log" "$(LC_ALL=C grep -c '[[:cntrl:]]' "$dir/xenrecon.log" || true)" 0
