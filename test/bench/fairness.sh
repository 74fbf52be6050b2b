#!/bin/bash
# SPDX-License-Identifier: MIT
# One guest writes its F/state as fast as the store lets it: what others wait for, next to a store that is as busy with
# writes that concern nobody; what it costs xenrecon next to what it costs the store; and memory.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
rounds=${ROUNDS:-$(either 2 8)}
attaches=$(either 20 100)
seconds=$(either 2 5)
f=$(f_of qdisk/7/0)
unconcerned=/local/domain/7/data/nobody
fresh_store
serve
attach_qdisk 7 0
await "$(b_of qdisk/7/0)/state" 2
domid=100

# In turn the states that a guest has before its driver does anything
flood() { exec "$tools/load" flood "$1" "$2" 1 2 >"$dir/flooded"; }

# attach_others VARIANT [PATH]: while that path is flooded
attach_others() {
    local pid=
    if [ $# = 2 ]; then
        flood 600000 "$2" &
        pid=$!
        sleep 0.2
    fi
    mapfile -t took < <("$tools/attach" each $domid 0 "$attaches" raw:/disk)
    sample "$1" "$attaches" "${took[@]}"
    domid=$((domid + 1))
    [ -z "$pid" ] || {
        kill $pid
        wait $pid 2>/dev/null || true
    }
}

for ((i = 0; i < rounds; i++)); do
    attach_others "nothing"
    attach_others "writes that concern nobody" $unconcerned
    attach_others "a guest's flood" "$f/state"
done
table "meanwhile" "attach, p50" p99 max "p50, p99 next to nobody's" "at most" ""
for variant in nothing "writes that concern nobody" "a guest's flood"; do
    next='' became=''
    if [ "$variant" = "a guest's flood" ]; then
        p50=$(calc "$(of median "$variant" "$attaches") / $(of median "writes that concern nobody" "$attaches")")
        p99=$(calc "$(of p99 "$variant" "$attaches") / $(of p99 "writes that concern nobody" "$attaches")")
        next="$p50, $p99"
        became="$(demand "attach under a flood, p50" "$p50" "<=" 2), $(demand "attach under a flood, p99" "$p99" "<=" 2)"
    fi
    row "$variant" "$(calc "$(of median "$variant" "$attaches") / 1000")" "$(calc "$(of p99 "$variant" "$attaches") / 1000")" \
        "$(calc "$(of max "$variant" "$attaches") / 1000")" "$next" "$([ -z "$next" ] || echo 2)" "$became"
done

# ---- what the flood alone costs

(flood 1000 "$f/state")
before=$(memory_of "$xenrecon_pid")
for ((i = 0; i < 3; i++)); do
    ours=$(cpu_of "$xenrecon_pid") store=$(cpu_of "$(store_pid)")
    (flood $((seconds * 1000)) "$f/state")
    ours=$((($(cpu_of "$xenrecon_pid") - ours) / 1000))
    store=$((($(cpu_of "$(store_pid)") - store) / 1000))
    sample "percent of the store" "$seconds" "$(calc "100 * $ours / $store")"
done
share=$(of median "percent of the store" "$seconds")
grown=$(($(memory_of "$xenrecon_pid") - before))
printf '\n%s writes in %s s: xenrecon uses %s %% of the processor time that the store uses (at most 5: %s); its memory grows by %s KiB (%s)\n' \
    "$(cat "$dir/flooded")" "$seconds" "$share" "$(demand "percent of the store's time for a flood" "$share" "<=" 5)" "$grown" \
    "$(demand "KiB that a flood costs" $grown "<=" 64)"
