#!/bin/bash
# SPDX-License-Identifier: MIT
# A resync of 10,000 devices that are all Connected: next to the same reads by a client that does nothing else, pipelined
# (the floor), and one at a time through libxenstore; how long the loop is held; and what attaches wait for meanwhile.
TRACE=on
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
guests=$(either 20 1000)
disks=10
n=$((guests * disks))
rounds=${ROUNDS:-$(either 2 7)}

# ---- what is read, from the trace of a resync of one device

serve
"$tools/load" devices 1 1 0 1 4
await "$(b_of qdisk/1/0)/state" 4
await_quiet 100
mark=$(trace_mark)
kill -HUP "$xenrecon_pid"
await_quiet 100
trace_since "$mark" "$xenrecon_connection" | sed 's/(\([^ ]*\).*/\1/' >"$dir/one"
awk -v guests="$guests" -v disks="$disks" '
    { lines[++n] = $0 }
    END {
        for (g = 1; g <= guests; g++) {
            for (i = 1; i <= n; i++)
                if (lines[i] ~ /qdisk\/1$/) { line = lines[i]; sub(/1$/, g, line); print line }
                else if (g == 1 && lines[i] !~ /\/1\//) print lines[i]
            for (d = 0; d < disks; d++)
                for (i = 1; i <= n; i++) {
                    line = lines[i]
                    if (sub(/qdisk\/1\/0\//, "qdisk/" g "/" d "/", line) || sub(/domain\/1\/device\/vbd\/0\//, "domain/" g "/device/vbd/" d "/", line))
                        print line
                }
        }
    }' "$dir/one" >"$dir/requests"

# ---- the devices

TRACE=off
fresh_store
"$tools/load" devices 1 "$guests" 0 $disks 4
serve
await_created "$n"
until [ "$(devices_in 4)" = "$n" ] || [ $SECONDS -gt 120 ]; do
    sleep 0.2
done
check "all are Connected" "$(devices_in 4)" "$n"
resync() { "$tools/activity" "$xenrecon_pid" 1 400; }

for ((i = 0; i < rounds; i++)); do
    sample floor "$n" "$("$tools/reads" pipelined <"$dir/requests")"
    sample xenrecon "$n" "$(resync)"
    [ $((i % 3)) != 0 ] || sample libxenstore "$n" "$("$tools/reads" blocking <"$dir/requests")"
done

table devices requests floor xenrecon ratio "at most" "" "libxenstore" "times faster" "at least" ""
ratio=$(calc "$(of min xenrecon "$n") / $(of min floor "$n")")
faster=$(calc "$(of min libxenstore "$n") / $(of min xenrecon "$n")")
row $n "$(wc -l <"$dir/requests")" "$(ms floor "$n")" "$(ms xenrecon "$n")" "$ratio" 1.3 "$(demand "ratio to the floor" "$ratio" "<=" 1.3)" \
    "$(ms libxenstore "$n")" "$faster" 2 "$(demand "times faster than libxenstore" "$faster" ">=" 2)"

# ---- the loop: from one wait to the next, in milliseconds, under strace

strace -f -qq -ttt -T -e trace=epoll_wait,epoll_pwait -o "$dir/turns" -p "$xenrecon_pid" &
tracer=$!
until [ -s "$dir/turns" ] || ! kill -0 $tracer 2>/dev/null; do
    sleep 0.05
    xenstore-write "$(b_of qdisk/1/0)/state" 4 # wakes it
done
resync >/dev/null
kill -INT $tracer
wait $tracer || true
# PID TIME epoll_wait(...) = N <TOOK>
longest=$(awk '{ took = $NF; gsub(/[<>]/, "", took)
        if (ended && $2 - ended > longest) longest = $2 - ended
        ended = $2 + took } END { printf "%.1f", longest * 1000 }' "$dir/turns")
printf '\nThe longest turn of the loop: %s ms; at most 20: %s\n\n' "$longest" "$(demand "longest turn of the loop, ms" "$longest" "<=" 20)"

# ---- attaches meanwhile

# during VARIANT COMMAND...: what attaches take while the command runs again and again
during() {
    local variant=$1 pid
    shift
    : >"$dir/go"
    while [ -e "$dir/go" ]; do "$@"; done >/dev/null &
    pid=$!
    sleep 0.05
    mapfile -t took < <("$tools/attach" each "$domid" 0 20 raw:/disk)
    rm "$dir/go"
    wait $pid
    domid=$((domid + 1))
    sample "$variant" "$n" "${took[@]}"
}
domid=5000
read_all() { "$tools/reads" pipelined <"$dir/requests"; }
for ((i = 0; i < rounds; i++)); do
    during "idle" sleep 0.1
    during "in a resync" resync
    during "others read" read_all
done
table "attach to InitWait, while" median p99 "next to idle" "at most" ""
for variant in idle "others read" "in a resync"; do
    ratio=$(calc "$(of median "$variant" "$n") / $(of median idle "$n")")
    row "$variant" "$(calc "$(of median "$variant" "$n") / 1000")" "$(calc "$(of p99 "$variant" "$n") / 1000")" "$ratio" \
        "$([ "$variant" = "in a resync" ] && echo 2)" \
        "$([ "$variant" != "in a resync" ] || demand "attach during a resync, median next to idle" "$ratio" "<=" 2)"
done
