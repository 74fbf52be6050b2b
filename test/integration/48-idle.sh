#!/bin/bash
# SPDX-License-Identifier: MIT
# While nothing changes, nothing is asked of the store, and the process does not wake. Takes 20 s.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
deadlines: {create: 1s, connect: 1s, close: 1s}
END
# trace_calls SECONDS FILE: the system calls of xenrecon's threads, the one that it waits in among them
trace_calls() {
    local status=0
    timeout "$1" strace -f -qq -o "$2" -p $xenrecon_pid || status=$?
    check "strace ran" $status 124
}

start_xenrecon --policies "$policies" --resync 0
# One of each kind: Connected, InitWait, Closing for good, Closed; the last three with deadlines behind them
for id in 1 2 3 4 5; do
    attach_qdisk 7 $id
done
for id in 1 3 4 5; do
    play qdisk/7/$id never-close --ring $((id * 2))
    await "$(b_of qdisk/7/$id)/state" 4 "$(f_of qdisk/7/$id)/state" 4
done
toolstack detach qdisk 7 3
xenstore-write "$(f_of qdisk/7/4)/state" 6
toolstack detach qdisk 7 5
xenstore-write "$(f_of qdisk/7/5)/state" 6
await "$(b_of qdisk/7/4)/state" 6
await "$(b_of qdisk/7/5)" absent
logged "the deadline of a detach passed" 0 'qdisk/7/3: stuck-detach: .*'
await_quiet 1500
states=$(xenstore-ls -f $backends)
mark=$(trace_mark)
trace_calls 20 "$dir/idle"
check "20 s: no request" "$(trace_since "$mark")" ""
check "20 s: no system call but the one that waits" "$(grep -vc 'epoll_p\?wait' "$dir/idle" || true) $(wc -l <"$dir/idle")" "0 1"
check "the devices are as they were" "$(xenstore-ls -f $backends)" "$states"

# ---- that strace would have seen something
strace -f -qq -o "$dir/busy" -p $xenrecon_pid &
tracer=$!
becomes_true [ -s "$dir/busy" ]
attach_qdisk 7 6
reach "and wakes when there is something to do" "$(b_of qdisk/7/6)/state" 2
many_calls() { [ "$(wc -l <"$dir/busy")" -ge 10 ]; }
exits "strace sees that" 0 becomes_true many_calls
kill $tracer
wait $tracer || true
