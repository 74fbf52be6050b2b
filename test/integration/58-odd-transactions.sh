#!/bin/bash
# SPDX-License-Identifier: MIT
# Stores whose transactions are not what xenstored's are: there are none, one at a time, or everybody sees what is in them.
# And what commands say of a store that does not answer.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
# shellcheck source=test/lib/odd.sh
. "$repo/test/lib/odd.sh"

policy_qdisk <<<"hold: {closed: 100ms}"
: >"$dir/xenrecon.log"
said_times() { log_since "$said" | grep -cE "$1" || true; }
lacks() { "${xenrecon[@]}" status --format json --runtime-dir "$dir/run" | python3 -c '
import json, sys
print(*json.load(sys.stdin)["daemon"]["store"]["lacks"])'; }
begin() {
    name=$1
    said=$(log_mark)
    odd "${@:2}"
    at_odd start_xenrecon --policies "$policies" --resync 0
}
# lives: devices are served, connected, cycled and gone, several at once
lives() {
    local all=() id
    for id in 1 2 3 4 5; do
        attach_qdisk 7 $id
        all+=("$(b_of qdisk/7/$id)/state" 2)
    done
    reach "$name: InitWait" "${all[@]}"
    play qdisk/7/1 connect
    reach "$name: Connected" "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4
    for id in 1 2 3 4 5; do
        toolstack detach qdisk 7 $id
        xenstore-write "$(f_of qdisk/7/$id)/state" 6
        reach "$name: $id is gone" "$(b_of qdisk/7/$id)" absent
        toolstack remove qdisk 7 $id
    done
    played "$name: its frontend ends"
}
finish_odd() {
    stop_xenrecon
    end_odd
}

# ---- no transactions

for rule in refuse=TRANSACTION_START:ENOSYS refuse=TRANSACTION_START:EINVAL nameless=TRANSACTION_START; do
    begin "$rule" "$rule"
    lives
    check "$name: said once" "$(said_times 'has no transactions')" 1
    check "$name: nothing went wrong" "$(said_times 'failed|is lost')" 0
    check "$name: status has it" "$(lacks)" transactions
    finish_odd
done

# ---- what a transaction writes is there at once, and stays

begin "no isolation" no-isolation
lives
check "$name: said once" "$(said_times 'shows what a transaction writes before its end')" 1
check "$name: nothing went wrong" "$(said_times 'failed|is lost')" 0
check "$name: status has it, and begins with the store" \
    "$(lacks) $("${xenrecon[@]}" status --runtime-dir "$dir/run" | grep -c 'it lacks isolation')" "isolation 1"
finish_odd

# somebody removes the directory while we write to it
begin "an intruder" no-isolation intrude=1
attach_qdisk 7 1
becomes_true grep -q '^intruded ' "$dir/odd.log"
reach "$name: what we have written is removed, too" "$(b_of qdisk/7/1)" absent
await_quiet 300
check "$name: it does not come back" "$(xenstore-exists "$(b_of qdisk/7/1)" && echo there)" ""
toolstack remove qdisk 7 1
lives
finish_odd

begin "with isolation"
lives
check "$name: it lacks nothing" "$(lacks) $(said_times 'the store')" " 0"
finish_odd

# ---- one transaction at a time, of which others have their share

begun_by_others() { [ "$(odd_did connected)" -ge 2 ]; }

for error in EBUSY EAGAIN; do
    begin "one transaction at a time, $error" one-transaction=$error
    PYTHONPATH=$repo/test/lib python3 -c '
import sys, time
from store import Store, StoreError
store = Store(sys.argv[1])
while True:
    try:
        store.transaction(lambda tx: time.sleep(0.1))
        time.sleep(0.03)
    except StoreError:
        time.sleep(0.001)
' "$dir/odd" &
    holder=$!
    becomes_true begun_by_others
    lives
    kill $holder
    check "$name: we were refused" "$(($(odd_did 'refused TRANSACTION_START') > 0))" 1
    check "$name: said once" "$(said_times 'one transaction at a time')" 1
    check "$name: nothing went wrong" "$(said_times 'failed|does not let|is lost')" 0
    finish_odd
done

# ---- a transaction of ours that we do not know of is ended with the connection

begin "the answer to the second begin is lost" one-transaction drop=TRANSACTION_START/1000/-998
lives
check "$name: on another connection" "$(odd_did connected)" 2
finish_odd

# ---- commands

attach_qdisk 7 1
name="plan, no answer"
odd drop=any
begun=$(now_ms)
status=0
at_odd "${xenrecon[@]}" plan --policies "$policies" >"$dir/out" 2>"$dir/err" || status=$?
check "$name: ends" $status 1
check "$name: says for how long it waited" "$(grep -cE 'has not answered anything for 1[0-9] s' "$dir/err")" 1
check "$name: not before its time" "$(($(now_ms) - begun >= 9000))" 1
name="plan, some answers"
odd drop=READ/3/1
status=0
at_odd "${xenrecon[@]}" plan --policies "$policies" >"$dir/out" 2>"$dir/err" || status=$?
check "$name: a report" "$(($(grep -c 'qdisk/7/1' "$dir/out") > 0))" 1
check "$name: what cannot be read" "$(($(grep -c 'cannot be read' "$dir/out") > 0))" 1
name="plan, inventions"
odd invent=1
at_odd "${xenrecon[@]}" plan --policies "$policies" >"$dir/out" 2>"$dir/err"
"${xenrecon[@]}" plan --policies "$policies" >"$dir/want"
check "$name: as without" "$(cat "$dir/out")" "$(cat "$dir/want")"
end_odd
