#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGHUP reloads the policies, all or none.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
reload() {
    said=$(log_mark)
    kill -HUP $xenrecon_pid
    logged "$1: SIGHUP" "$said" 'policies (were not )?reloaded'
}
front() { xenstore-write "$(f_of "$1")/state" "$2"; }

start_xenrecon --policies "$policies"
attach_qdisk 7 1
play qdisk/7/1 connect
await "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4

# ---- a bad one

policy vkbd <<'END'
owner: xenrecon
END
policy vsnd <<'END'
owner: nobody
END
reload "a bad file"
check "a bad file: where" "$(log_since "$said" | grep -o 'vsnd.yaml:3:8: ')" "vsnd.yaml:3:8: "
check "a bad file: that nothing is changed" "$(log_since "$said" | tail -n 1)" \
    "xenrecon: the policies were not reloaded: those that were in force still are"
attach_qdisk 7 2
toolstack attach vkbd 7 0
attach_qdisk 7 3
reach "a bad file: the old ones are in force" "$(b_of qdisk/7/2)/state" 2 "$(b_of qdisk/7/3)/state" 2
await_quiet 100
check "a bad file: nothing of the new ones, not of the good ones either" "$(state_of "$(b_of vkbd/7/0)")" 1
rm "$policies/vsnd.yaml"

# ---- a new type, a changed one

sed -i 's/feature-flush-cache: 1/feature-flush-cache: 0, feature-discard: 1/' "$policies/qdisk.yaml"
mark=$(trace_mark)
reload "a changed file"
check "a changed file: how many there are" "$(log_since "$said" | grep -o 'reloaded: .*')" "reloaded: 2 types"
reach "a new type: its devices are served" "$(b_of vkbd/7/0)/state" 2
attach_qdisk 7 4
reach "a changed file: is in force" "$(b_of qdisk/7/4)/state" 2 "$(b_of qdisk/7/4)/feature-discard" 1 \
    "$(b_of qdisk/7/4)/feature-flush-cache" 0
await_quiet 100
check "a changed file: the devices that are there are left alone" "$(changes_since "$mark" | grep -c '/qdisk/7/[123]/' || true)" 0

# ---- a type that is dropped

mv "$policies/qdisk.yaml" "$dir/qdisk.yaml"
reload "a dropped file"
logged "a dropped file: says so of the devices" "$said" 'qdisk/7/1: policy-changed: '
logged "a dropped file: of all of them" "$said" 'qdisk/7/4: policy-changed: '
attach_qdisk 7 5
toolstack attach vkbd 7 1
reach "a dropped file: other types go on" "$(b_of vkbd/7/1)/state" 2
await_quiet 100
check "a dropped file: no new devices" "$(state_of "$(b_of qdisk/7/5)")" 1
xenstore-write "$(f_of qdisk/7/2)/ring-ref" 8 "$(f_of qdisk/7/2)/event-channel" 9 "$(f_of qdisk/7/2)/state" 3
reach "a dropped file: the old ones go on" "$(b_of qdisk/7/2)/state" 4
toolstack detach qdisk 7 1
reach "a dropped file: until they are closed" "$(b_of qdisk/7/1)" absent
attach_qdisk 7 1
toolstack attach vkbd 7 2
await "$(b_of vkbd/7/2)/state" 2
await_quiet 100
check "a dropped file: and no longer" "$(state_of "$(b_of qdisk/7/1)")" 1

# ---- owner: external

{ sed 's/owner: xenrecon/owner: external/; /publish\|hold/d' "$dir/qdisk.yaml"; } >"$policies/qdisk.yaml"
reload "another owner"
front qdisk/7/2 5
reach "another owner: what was served is served" "$(b_of qdisk/7/2)/state" 5
attach_qdisk 7 6
toolstack detach vkbd 7 2
reach "another owner: others go on" "$(b_of vkbd/7/2)/state" 6
await_quiet 100
check "another owner: no new ones" "$(state_of "$(b_of qdisk/7/1)")$(state_of "$(b_of qdisk/7/5)")$(state_of "$(b_of qdisk/7/6)")" 111

# ---- back again

cp "$dir/qdisk.yaml" "$policies/qdisk.yaml"
reload "back again"
reach "back again: those that waited are served" "$(b_of qdisk/7/1)/state" 2 "$(b_of qdisk/7/5)/state" 2 "$(b_of qdisk/7/6)/state" 2
await_quiet 100
check "back again: nothing more to say" "$(log_since "$said" | grep -c 'policy-changed: ' || true)" 0

# ---- in a burst

n=100
all=()
for ((id = 0; id < n; id++)); do
    all+=("$(b_of qdisk/8/$id)/state" 2)
done
said=$(log_mark)
toolstack burst qdisk 8 0 $n params=raw:/disk.%d mode=w >"$dir/burst" &
writer=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -HUP $xenrecon_pid
    sleep 0.02
done
wait $writer
reach "in a burst: none is lost" "${all[@]}"
logged "in a burst: reloaded" "$said" "policies reloaded"
await_quiet 100
check "in a burst: each is created once" "$(log_since "$said" | grep -c 'qdisk/8/.*: create: ')" $n
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
