#!/bin/bash
# SPDX-License-Identifier: MIT
# The store dies and comes back empty; and it comes up after us.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
# Clients that use libxenstore would not notice.
kill_store() {
    local pid
    for pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    kill -KILL "$(cat "$dir/pid")"
}
# ready_again MARK: it found the store again
ready_again() {
    logged "$1: it is back" "$2" '(^| )ready: '
    xenrecon_connection=$(connection_of 0 "WATCH (")
}

# ---- idle

start_xenrecon --policies "$policies"
attach_qdisk 7 1
play qdisk/7/1 connect
await "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4
await_quiet 100
said=$(log_mark)
begun=$(now_ms)
kill_store $player
logged "idle: notices it" "$said" 'the store is lost'
at_once "idle: at once" $(($(now_ms) - begun))
strace -f -e trace=connect -o "$dir/strace" -p $xenrecon_pid 2>"$dir/strace.log" &
tracer=$!
becomes_true grep -q attached "$dir/strace.log"
sleep 2
tries=$(grep -c 'connect(' "$dir/strace" || true)
becomes_true grep -q 'connect(' "$dir/strace" && tries=$((tries > 1 ? tries : 1))
kill $tracer
wait $tracer || true
check "tries to get it back, and waits longer each time ($tries times in 2 s)" \
    "$([ "$tries" -ge 1 ] && [ "$tries" -le 6 ] && echo yes)" yes
check "says so once" "$(log_since "$said" | grep -c 'store is lost')" 1
start_store
ready_again idle "$said"
attach_qdisk 7 2
attach_qdisk 7 1
reach "idle: new devices are served" "$(b_of qdisk/7/1)/state" 2 "$(b_of qdisk/7/2)/state" 2
play qdisk/7/1 connect
reach "idle: and connected" "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4

# ---- in a burst

n=100
all=()
for ((id = 0; id < n; id++)); do
    all+=("$(b_of qdisk/8/$id)/state" 2)
done
said=$(log_mark)
created=0
toolstack burst qdisk 8 0 $n params=raw:/disk.%d mode=w >"$dir/burst" 2>&1 &
writer=$!
until [ "$created" -ge 5 ]; do
    created=$(log_since "$said" | grep -c ': create: ' || true)
done
kill_store $player $writer
start_store
ready_again "in a burst" "$said"
toolstack burst qdisk 8 0 $n params=raw:/disk.%d mode=w >"$dir/burst"
reach "in a burst: all are served" "${all[@]}"
await_quiet 100
check "in a burst: what the store forgot is forgotten" "$("${xenrecon[@]}" plan --policies "$policies" | sed -n '1s/;.*//; 1p; 1q')" \
    "$n devices of backend domain 0: $n pending"
stop_xenrecon

# ---- SIGTERM while there is no store; a store that comes late

start_xenrecon --policies "$policies"
said=$(log_mark)
kill_store
logged "SIGTERM without a store" "$said" 'the store is lost'
stop_xenrecon
pass "SIGTERM without a store: ends"

rm -f "$dir/socket"
said=$(log_mark)
"${xenrecon[@]}" run --policies "$policies" --runtime-dir "$dir/run" </dev/null >>"$dir/xenrecon.log" 2>&1 &
xenrecon_pid=$!
logged "before the store: waits for it" "$said" 'no store yet: .*; waiting for it'
start_store
ready_again "before the store" "$said"
attach_qdisk 7 1
reach "before the store: serves it" "$(b_of qdisk/7/1)/state" 2
