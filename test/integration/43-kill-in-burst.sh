#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 again and again, at any moment, while devices are attached, connected and detached.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 0}
END
RANDOM=1
n=150
f=() waits=() detaches=()
for ((id = 0; id < n; id++)); do
    f+=("$(f_of qdisk/8/$id)")
    waits+=("$(b_of qdisk/8/$id)/state" 4)
    detaches+=(-- detach qdisk 8 "$id")
done
# slaughter ROUNDS: killed as often, after 0 to 40 ms each
slaughter() {
    local round
    for ((round = 0; round < $1; round++)); do
        "${xenrecon[@]}" run --policies "$policies" --runtime-dir "$dir/run" </dev/null >>"$dir/xenrecon.log" 2>&1 &
        xenrecon_pid=$!
        sleep 0.0$((RANDOM % 4))$((RANDOM % 10))
        kill_xenrecon
    done
}

start_xenrecon --policies "$policies"
attach_qdisk 7 1
play qdisk/7/1 connect
await "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4
await_quiet 100
kill_xenrecon
before=$(xenstore-ls -f "$(b_of qdisk/7/1)")
mark=$(trace_mark)

toolstack burst qdisk 8 0 $n params=raw:/disk.%d mode=w >"$dir/burst" &
writer=$!
slaughter 10
wait $writer
check "in the burst: nothing half done" "$(xenstore-ls -f "$(b_of qdisk/8)" | awk '
    /\/state = / { states[$NF]++ }
    /\/(xenrecon|hotplug-status|feature-flush-cache) = / { keys++ }
    END { print keys - 3 * states["\"2\""], states["\"1\""] + states["\"2\""] }')" "0 $n"
frontend connect "${f[@]}" &
frontends=$!
slaughter 15
start_xenrecon --policies "$policies"
reach "in the end all are Connected" "${waits[@]}"
kill_xenrecon
toolstack "${detaches[@]:1}" &
writer=$!
slaughter 10
wait $frontends $writer
start_xenrecon --policies "$policies"
reach "in the end all are gone" "$(b_of qdisk/8)" absent
await_quiet 100
check "the Connected device saw nothing of it" \
    "$(trace_since "$mark" | grep -cE "^(WRITE|RM|MKDIR|SET_PERMS) \($(b_of qdisk/7/1)" || true)" 0
check "and is as it was" "$(xenstore-ls -f "$(b_of qdisk/7/1)")" "$before"
check "no errors in the log" "$(grep -cE 'failed|cannot|another xenrecon' "$dir/xenrecon.log" || true)" 0
