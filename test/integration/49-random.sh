#!/bin/bash
# SPDX-License-Identifier: MIT
# After any sequence of toolstack and frontend writes has stopped, each device is within a second as the table asks, and
# nothing is written after that. SEEDS, in the environment, gives other sequences.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

# Rings that never become complete are looked at seldom soon, so that there is rest to wait for
policy_qdisk <<'END'
hold: {closed: 0}
deadlines: {connect: 1s}
END
read -r -a seeds <<<"${SEEDS:-1 2 3 4 5}"
n=20 # devices of each guest: so many that hardly any has to wait for flapping

# play_toolstack DOMID SEED: prints what it did last with each device; what fails is only what comes too late
play_toolstack() {
    local domid=$1 i id attach
    RANDOM=$2
    for ((i = 0; i < 100; i++)); do
        id=$((RANDOM % n))
        attach=(attach qdisk "$domid" "$id" params=raw:/disk.%d mode=w)
        case $((RANDOM % 12)) in
        [0-4]) toolstack "${attach[@]}" && echo $id attach ;;
        [5-6]) toolstack detach qdisk "$domid" $id && echo $id detach ;;
        7) toolstack "${attach[@]}" -- detach qdisk "$domid" $id && echo $id detach ;;
        8) toolstack "${attach[@]}" -- detach qdisk "$domid" $id -- "${attach[@]}" && echo $id attach ;;
        9) toolstack remove qdisk "$domid" $id -- "${attach[@]}" && echo $id attach ;;
        10) toolstack close qdisk "$domid" $id -- remove qdisk "$domid" $id && echo $id remove ;; # as libxl does it
        11) toolstack remove qdisk "$domid" $id && echo $id remove ;;
        esac 2>/dev/null || true
    done
}

# play_guest DOMID SEED: drivers gone mad, but for one thing: who writes other keys writes its state after them, or with
# them, since the state is what is watched
play_guest() {
    local i f state ring
    RANDOM=$2
    for ((i = 0; i < 200; i++)); do
        f=$(f_of "qdisk/$1/$((RANDOM % n))")
        state=$((RANDOM % 6 + 1))
        ring=$((RANDOM % 4))
        case $((RANDOM % 12)) in
        [0-5]) xenstore-write "$f/state" $state ;;
        [6-8]) xenstore-write "$f/ring-ref" $ring "$f/event-channel" 9 "$f/state" 3 ;;
        9) xenstore-write "$f/ring-ref" $ring && xenstore-write "$f/state" 4 ;;
        10) xenstore-rm "$f/ring-ref" && xenstore-write "$f/state" $state ;;
        11) xenstore-write "$f/state" $((ring * 3)) "$f/ring-ref" "${ring}x" ;;
        esac 2>/dev/null || true
    done
}

# Prints those that are not as they should be. A device that is not there, whatever was done, has nothing that is wrong.
wrong() {
    xenstore-ls -f /local | awk -v last="$dir/last" '
        { gsub(/"/, "", $3); value[$1] = $3 }
        function is(state, allowed) { return index(allowed, state == "" ? "-" : state) }
        function right(op, online, b, f, ring) {
            if (op == "remove")
                return b == "" && online == ""
            if (op == "detach")
                return b == "" && online == "" || b == 5 && online == 0 && is(f, "2345")
            if (online != 1)
                return 0
            if (f == 1 || f == 2)
                return b == 2
            if (f == 3 || f == 4)
                return ring ? b == 4 || (f == 4 && b == 5) : is(b, "2456")
            if (f == 5)
                return is(b, "56")
            return f == 6 || f == "" ? b == 6 : is(b, "246")
        }
        END {
            while ((getline line < last) > 0) {
                split(line, word, " ")
                op[word[1] "/" word[2]] = word[3]
            }
            for (device in op) {
                split(device, id, "/")
                dir_b = "/local/domain/0/backend/qdisk/" device
                dir_f = "/local/domain/" id[1] "/device/vbd/" id[2]
                b = value[dir_b "/state"]; f = value[dir_f "/state"]; online = value[dir_b "/online"]
                ring = value[dir_f "/ring-ref"] ~ /^[0-9]+$/ && value[dir_f "/event-channel"] ~ /^[0-9]+$/
                if (!right(op[device], online, b, f, ring))
                    print device ": after " op[device] " online=" online " B=" b " F=" f " ring=" ring
            }
        }'
}

start_xenrecon --policies "$policies"
players=()
for seed in "${seeds[@]}"; do
    play_toolstack $((seed + 10)) "$seed" >"$dir/toolstack.$seed" &
    players+=($!)
    play_guest $((seed + 10)) $((seed + 1000)) &
    players+=($!)
done
wait "${players[@]}"
await_quiet 300
sleep 1 # what is asked for
mark=$(trace_mark)
for seed in "${seeds[@]}"; do
    sed "s/^/$((seed + 10)) /" "$dir/toolstack.$seed"
done >"$dir/last"
check "a second later each device is as the table asks" "$(wrong)" ""
check "plan has nothing to do" \
    "$("${xenrecon[@]}" plan --policies "$policies" | sed -n '1s/.*; \(nothing to do\).*/\1/p')" "nothing to do"
untouched "nothing is written any more" "$mark"
check "no request failed" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
# that the sequences are worth something
rows=$(grep -oE ': (create|connect|close|cycle|release|destroy|disconnect): ' "$dir/xenrecon.log" | sort | uniq -c | tr -d ':\n')
echo "figure: actions:$rows"
for action in create connect close release destroy; do
    check "it came to: $action" "$([[ $rows == *" $action "* ]] && echo yes)" yes
done
check "none is held for flapping" "$(grep -c flapping "$dir/xenrecon.log" || true)" 0
