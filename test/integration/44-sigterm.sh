#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGTERM and SIGINT: the devices stay as they are, also in the middle of the work.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
# ended NAME SIGNAL: it exits with 0, at once
ended() {
    local pid=$xenrecon_pid status=0 begun
    begun=$(now_ms)
    xenrecon_pid=
    kill "-$2" "$pid"
    wait "$pid" || status=$?
    check "$1: exits with 0" $status 0
    # a guard against waiting for anything; it takes a few milliseconds
    at_once "$1: at once" $(($(now_ms) - begun))
}

start_xenrecon --policies "$policies"
attach_qdisk 7 1
attach_qdisk 7 2
play qdisk/7/1 connect
await "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4 "$(b_of qdisk/7/2)/state" 2
await_quiet 100
before=$(xenstore-ls -f /local)
mark=$(trace_mark)
ended SIGTERM TERM
check "SIGTERM: says so" "$(tail -n 1 "$dir/xenrecon.log")" "xenrecon: SIGTERM: leaving the devices as they are"
check "SIGTERM: writes nothing" "$(changes_since "$mark")" ""
check "SIGTERM: the devices are as they were" "$(xenstore-ls -f /local)" "$before"
start_xenrecon --policies "$policies"
ended SIGINT INT
check "SIGINT: the devices are as they were" "$(xenstore-ls -f /local)" "$before"

# ---- in a burst

n=150
all=() created=0
for ((id = 0; id < n; id++)); do
    all+=("$(b_of qdisk/8/$id)/state" 2)
done
start_xenrecon --policies "$policies"
said=$(log_mark)
toolstack burst qdisk 8 0 $n params=raw:/disk.%d mode=w >"$dir/burst" &
writer=$!
until [ "$created" -ge 5 ]; do
    created=$(log_since "$said" | grep -c ': create: ' || true)
done
ended "in a burst" TERM
wait $writer
check "in a burst: every device is either InitWait, and all of it there, or not touched" \
    "$(xenstore-ls -f "$(b_of qdisk/8)" | awk '
        /\/state = / { states[$NF]++ }
        /\/(xenrecon|hotplug-status|feature-flush-cache) = / { keys++ }
        END { print keys - 3 * states["\"2\""], states["\"1\""] + states["\"2\""] }')" "0 $n"
start_xenrecon --policies "$policies"
reach "in a burst: the next one does the rest" "${all[@]}"
check "the Connected device saw nothing of it" "$(xenstore-ls -f /local | grep -F "$(b_of qdisk/7/1)/")" \
    "$(grep -F "$(b_of qdisk/7/1)/" <<<"$before")"
ended "again" TERM
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
