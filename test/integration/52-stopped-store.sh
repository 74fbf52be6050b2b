#!/bin/bash
# SPDX-License-Identifier: MIT
# A store that does not answer: nobody waits for it who does not have to.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
n=100
# stop_in_burst DOMID: stops the store while devices are attached and created
stop_in_burst() {
    local said created=0
    said=$(log_mark)
    toolstack burst qdisk "$1" 0 $n params=raw:/disk.%d mode=w >"$dir/burst" &
    writer=$!
    until [ "$created" -ge 5 ]; do
        created=$(log_since "$said" | grep -c ': create: ' || true)
    done
    kill -STOP "$(cat "$dir/pid")"
    kill -0 $writer
}
cont() {
    kill -CONT "$(cat "$dir/pid")"
    wait $writer
}
# Starts one, $pid, that has connected and waits for the first answer.
start_unanswered() {
    "${xenrecon[@]}" run --policies "$policies" --runtime-dir "$dir/run" </dev/null >>"$dir/xenrecon.log" 2>&1 &
    pid=$!
    until readlink "/proc/$pid/fd/"* | grep -q ^socket:; do
        kill -0 $pid
        sleep 0.02
    done
}
# all_of DOMID: PATH VALUE for each, all InitWait
all_of() {
    all=()
    for ((id = 0; id < n; id++)); do
        all+=("$(b_of "qdisk/$1/$id")/state" 2)
    done
}
# A store that is killed while stopped has to go, too
trap 'status=$?; kill -CONT "$(cat "$dir/pid")" 2>/dev/null || true; (exit $status) && finish || finish' EXIT

# ---- three seconds, and on it goes

start_xenrecon --policies "$policies"
said=$(log_mark)
stop_in_burst 7
sleep 3
check "3 s: it waits" "$(kill -0 $xenrecon_pid && echo yes)" yes
cont
all_of 7
reach "3 s: and goes on" "${all[@]}"
check "3 s: on the same connection" "$(log_since "$said" | grep -c lost || true)" 0

# ---- SIGTERM meanwhile

stop_in_burst 8
pid=$xenrecon_pid
xenrecon_pid=
begun=$(now_ms)
status=0
kill -TERM "$pid"
wait "$pid" || status=$?
check "SIGTERM: exits with 0" $status 0
at_once "SIGTERM: at once" $(($(now_ms) - begun))
start_unanswered
kill -TERM "$pid"
wait "$pid" || status=$?
check "SIGTERM: also before the first answer" $status 0
start_unanswered
xenrecon_pid=$pid
cont
all_of 8
reach "the next one does the rest" "${all[@]}"
await_quiet 100
check "nothing is left to do" \
    "$("${xenrecon[@]}" plan --policies "$policies" | sed -n '1s/.*; \(nothing to do\).*/\1/p')" "nothing to do"
check "no errors in the log" "$(grep -cE 'failed|cannot|lost' "$dir/xenrecon.log" || true)" 0
