#!/bin/bash
# SPDX-License-Identifier: MIT
# Anonymous memory: of the process that has nothing to look after, with 10,000 devices, and when they are gone; twice, as
# what does not come back the first time may be used again the second. The history is a ring that never grows, and which
# fewer devices than these fill: it is counted apart.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
guests=$(either 20 1000)
n=$((guests * 10))
serve
# Once it has forgotten something it is full
history_kib() {
    "${xenrecon[@]}" status --format json --runtime-dir "$dir/run" |
        python3 -c 'import json, sys; h = json.load(sys.stdin)["daemon"]["history"]; print(h["bytes"] // 1024 if h["forgotten"] else 0)'
}
await_quiet_process() { "$tools/activity" "$xenrecon_pid" 0 1000 >/dev/null; }
await_quiet_process
empty=$(memory_of "$xenrecon_pid")
table when "anonymous, KiB" "of these history" "beyond the empty process" "at most" ""
row "nothing to look after" "$empty" 0 0 "" ""
sample empty $n "$empty"

created=0
for round in first second; do
    "$tools/load" devices 1 "$guests" 0 10 4
    created=$((created + n))
    await_created $created
    await_quiet_process
    history=$(history_kib)
    with=$(($(memory_of "$xenrecon_pid") - empty - history))
    check "$n devices are there" "$(devices_in 4)" "$n"
    sample with $n $with
    row "$n devices, the $round time" $((with + empty + history)) "$history" $with 8192 "$(demand "KiB for $n devices, $round time" $with "<=" 8192)"
    "$tools/load" remove 1 "$guests"
    await_quiet_process
    gone=$(($(memory_of "$xenrecon_pid") - empty - history))
    sample gone $n $gone
    row "they are gone" $((gone + empty + history)) "$history" $gone 1024 "$(demand "KiB left when they are gone, $round time" $gone "<=" 1024)"
done
