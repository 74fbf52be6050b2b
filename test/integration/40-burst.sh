#!/bin/bash
# SPDX-License-Identifier: MIT
# 200 devices of one guest at once: attached, connected, detached; and how long the first takes.
# shellcheck disable=SC2034
TRACE=off # it costs as much as the store's work does
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
n=200
last=$((1000 + n - 1))
burst() { toolstack burst qdisk "$1" 1000 $n params=raw:/disk.%d mode=w; }
# count DIRECTORY STATE: how many devices below it are in this state
count() { xenstore-ls -f "$1" 2>/dev/null | grep -c "/state = \"$2\"" || true; }
# each COMMAND...: one toolstack process, a command for each device, in which @ stands for the number
each() {
    local arguments=() id
    for ((id = 1000; id <= last; id++)); do
        arguments+=(-- "${@//@/$id}")
    done
    toolstack "${arguments[@]:1}"
}
b=$(b_of qdisk/7)

# ---- the toolstack alone

alone=
for domid in 5 6; do
    writing=$(burst $domid)
    each remove qdisk $domid @
    [ -n "$alone" ] && [ "$alone" -lt "$writing" ] || alone=$writing
done
check "nothing is left of the bursts that nobody served" "$(leftovers)" ""

# ---- attach

start_xenrecon --policies "$policies"
begun=$EPOCHREALTIME
writing=$(burst 7)
each wait "$b/@/state" 2 --timeout-ms "$AWAIT_MS" || true
check "attached: all are InitWait" "$(count "$b" 2)" $n
ended=$(stat -c %.Y "$dir/xenrecon.log") # when the last creation was logged
check "attached: each was created once" "$(grep -c ': create: ' "$dir/xenrecon.log")" $n
check "attached: with the published key" "$(xenstore-ls -f "$b" | grep -c '/feature-flush-cache = "1"')" $n
both=$(awk -v from="$begun" -v to="$ended" 'BEGIN { printf "%d", (to - from) * 1000 }')
echo "figure: $n attaches: the toolstack alone $alone ms; with xenrecon the toolstack $writing ms, the last InitWait after $both ms" \
    "($(awk -v a="$alone" -v b="$both" 'BEGIN { printf "%.1f", b / a }') times)"
# no more than a guard against something quadratic, or a timer in the way
check "attached: in time" "$([ "$both" -lt $((alone * 10 + 1000)) ] && echo yes)" yes

# ---- connect

f=()
for ((id = 1000; id <= last; id++)); do
    f+=("$(f_of qdisk/7/$id)")
done
frontend connect "${f[@]}" &
frontends=$!
each wait "$b/@/state" 4 --timeout-ms "$AWAIT_MS" || true
check "connected: all are" "$(count "$b" 4)" $n
check "connected: each has its own ring" "$(xenstore-ls -f "$b" | sed -n 's/.*\/xenrecon = "[0-9a-f]* 4 //p' | sort -u | wc -l)" $n
each wait "$(f_of qdisk/7/@)/state" 4 --timeout-ms "$AWAIT_MS"
pass "connected: the frontends know"
check "connected: nothing is left to do" \
    "$("${xenrecon[@]}" plan --policies "$policies" | head -n 1)" "$n devices of backend domain 0: $n ok; nothing to do"

# ---- detach

each detach qdisk 7 @
wait $frontends
pass "detached: the frontends saw Closing or Closed, all of them"
reach "detached: nothing is left" "$backends/qdisk" absent
check "detached: each was destroyed once" "$(grep -c ': destroy: ' "$dir/xenrecon.log")" $n
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
