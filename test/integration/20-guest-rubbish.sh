#!/bin/bash
# SPDX-License-Identifier: MIT
# What a guest may write into F: nothing of it is taken for anything else, nor shown as it is.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
limits: {events-per-second: 1000, burst: 1000}
END
start_xenrecon --policies "$policies"

# Another guest, whom none of this concerns.
attach_qdisk 8 1
play qdisk/8/1 connect
other=$(b_of qdisk/8/1)
await "$other/state" 4 "$(f_of qdisk/8/1)/state" 4
other_marker=$(xenstore-read "$other/xenrecon")

# Characters that do something to a terminal, to a line or to the text around them, and broken ones.
controls() {
    python3 -c '
import sys, unicodedata
text = sys.stdin.buffer.read().decode(errors="surrogateescape")
print([c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"])'
}

# shown NAME FIRST LAST: what xenrecon says of these devices can be shown on a terminal
shown() {
    local id
    {
        "${xenrecon[@]}" plan --policies "$policies"
        "${xenrecon[@]}" plan --policies "$policies" --format json
        for id in $(seq "$2" "$3"); do
            "${xenrecon[@]}" explain --policies "$policies" qdisk/7/"$id"
        done
    } >"$dir/said"
    check "$1: plan and explain can be shown" "$(controls <"$dir/said")" "[]"
    check "$1: explain has the state" "$(grep -c '^ *state  .*"' "$dir/said")" $((2 * ($3 - $2 + 1)))
}

# planned_all FIRST LAST: a line for each of these devices
planned_all() {
    "${xenrecon[@]}" plan --policies "$policies" --format json | python3 -c '
import json, sys
for d in json.load(sys.stdin)["devices"]:
    if int(sys.argv[1]) <= int(d["devid"]) <= int(sys.argv[2]):
        print(d["devid"], d["backend_state"], d["frontend_state"], len(d["actions"]),
              *[f["code"] for f in d["findings"] if f["code"] not in ("stuck-connect", "ends-disagree")])' "$1" "$2"
}

# ---- states that are none

long=$(printf '%04000d' 4) # with its path, no more fits into a request
rubbish=("" 9 -1 " 4" "4 " 04 +4 4x 0x4 ４ "$long" $'4\n' $'\n4' $'\e[2J\e]0;owned\a' $'4\0334' $'\x9b31m' $'\xff\xfe' $'\r\b\t\x7f'
    $'\u202e4' $'\u2028' '%s%n%d' '"}],"x":[{"' '</script>' $'xenrecon: qdisk/8/1: destroy\nxenrecon: done')
last=$((99 + ${#rubbish[@]}))
fronts=() connected=()
for id in $(seq 100 $last); do
    attach_qdisk 7 "$id"
    fronts+=("$(f_of qdisk/7/"$id")")
    connected+=("$(b_of qdisk/7/"$id")/state" 4)
done
for state in InitWait Connected; do
    if [ $state = Connected ]; then
        for f in "${fronts[@]}"; do xenstore-write "$f/state" 1; done
        frontend connect --once "${fronts[@]}"
        reach "they connect after all that" "${connected[@]}"
    fi
    await_quiet 100
    mark=$(trace_mark)
    log=$(log_mark)
    want=
    for i in "${!rubbish[@]}"; do
        xenstore-write -- "${fronts[i]}/state" "${rubbish[i]}"
        want+="$((100 + i)) $state Unknown 0 bad-frontend-state"$'\n'
    done
    for i in "${!rubbish[@]}"; do
        logged "$state, rubbish $i: says the log" "$log" "qdisk/7/$((100 + i)): bad-frontend-state: ${fronts[i]}/state is "
    done
    check "$state: plan" "$(planned_all 100 $last)"$'\n' "$want"
    shown "$state" 100 $last
    untouched "$state: nothing is written" "$mark"
done

# ---- rings that are none

values=("" abc 4294967296 -1 "8 " 0x8 "$long" $'8\n' $'\e[31m')
await_quiet 100
mark=$(trace_mark)
log=$(log_mark)
id=199
want=
for value in "${values[@]}"; do
    for key in ring-ref event-channel; do
        id=$((id + 1))
        f=$(f_of qdisk/7/$id)
        toolstack attach qdisk 7 $id params=raw:/x.%d mode=w -- wait "$(b_of qdisk/7/$id)/state" 2
        xenstore-write -- "$f/ring-ref" 8 "$f/event-channel" 9 "$f/$key" "$value" "$f/state" 3
        want+="$id InitWait Initialised 0 invalid-key"$'\n'
        logged "$key '$(printf %q "${value:0:16}")': says the log" "$log" "qdisk/7/$id: invalid-key: $f/$key is"
    done
done
check "rings: plan" "$(planned_all 200 $id)"$'\n' "$want"
shown "rings" 200 $id
check "rings: nobody connects" "$(changes_since "$mark" | grep -c '/state 4' || true)" 0
for id in $(seq 200 "$id"); do
    xenstore-write "$(f_of qdisk/7/"$id")/state" 1 # while they want to connect, their rings are looked for
done

# ---- whole trees, and keys that are nobody's

b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
attach_qdisk 7 1
await "$b/state" 2
await_quiet 100

for i in {1..300}; do
    echo "$f/x$i/y = \"$i\""
    echo "$f/state/$i = \"$i\""
    echo "$f/xenrecon/$i = \"4\""
done >"$dir/tree"
mark=$(trace_mark)
xsload "$dir/tree"
xenstore-write "$f/online" 0 "$f/frontend-id" 8 "$f/xenrecon" "0123456789abcdef 4 -" "$f/params" raw:/etc/shadow
untouched "a tree full of rubbish: nothing is written" "$mark"
xenstore-write "$f/backend" "$other" "$f/backend-id" 8
untouched "another's backend claimed: nothing is written" "$mark"

# ---- afterwards

xenstore-write "$f/backend" "$b" "$f/backend-id" 0
play qdisk/7/1 connect --once
played "a good driver: connects"
reach "a good driver: Connected" "$b/state" 4
check "a good driver: nothing is left to do" "$(verdict qdisk/7/1)" "steady:"
check "the other guest did not notice" "$(state_of "$other") $(xenstore-read "$other/xenrecon")" "4 $other_marker"
check "the log can be shown" "$(controls <"$dir/xenrecon.log")" "[]"
check "every line of the log is ours" "$(grep -vc '^xenrecon: \(qdisk/\|ready\)' "$dir/xenrecon.log" || true)" 0
check "and short" "$(awk 'length > 1100' "$dir/xenrecon.log" | wc -l)" 0
