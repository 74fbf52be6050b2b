#!/bin/bash
# SPDX-License-Identifier: MIT
# kill -9 in every phase of a device's life, and what happens while nobody looks.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
phase() { state_of "$(b_of "qdisk/7/$1")"; }
front() { xenstore-write "$(f_of "qdisk/7/$1")/state" "$2"; }
ring() { xenstore-write "$(f_of "qdisk/7/$1")/ring-ref" "$2" "$(f_of "qdisk/7/$1")/event-channel" $(($2 + 1)); }
connect() {
    local id
    for id; do
        attach_qdisk 7 "$id"
        ring "$id" "$((id * 2))"
        front "$id" 3
        await "$(b_of "qdisk/7/$id")/state" 4
        front "$id" 4
    done
}

# ---- one device in each phase

start_xenrecon --policies "$policies"
connect 1 2 3 4
attach_qdisk 7 5
await "$(b_of qdisk/7/5)/state" 2
toolstack detach qdisk 7 2 # its frontend goes on using it
front 3 5                  # Closing, from the frontend
await "$(b_of qdisk/7/3)/state" 5
front 4 6 # Closed, and not coming back
await "$(b_of qdisk/7/4)/state" 6
await_quiet 100
before=$(xenstore-ls -f $backends)
kill_xenrecon
said=$(log_mark)
mark=$(trace_mark)
start_xenrecon --policies "$policies"
untouched "a restart writes nothing" "$mark"
check "each device is as it was" "$(xenstore-ls -f $backends)" "$before"
check "the phases" "$(phase 1)$(phase 2)$(phase 3)$(phase 4)$(phase 5)" 45562
for id in 1 2 3 4 5; do
    check "adopted: $id" "$(log_since "$said" | grep -c "qdisk/7/$id: adopt: ")" 1
done
check "nothing else is said to be done" \
    "$(log_since "$said" | grep -cE ': (create|connect|disconnect|close|cycle|release|destroy): ' || true)" 0

# ---- each goes on

incarnation=$(incarnation_of qdisk/7/4)
front 2 6
reach "Closing, detached: goes when the frontend closed" "$(b_of qdisk/7/2)" absent
front 3 6
reach "Closing: Closed" "$(b_of qdisk/7/3)/state" 6
front 3 1
reach "and InitWait again" "$(b_of qdisk/7/3)/state" 2
front 4 1
reach "Closed: InitWait when the frontend comes back" "$(b_of qdisk/7/4)/state" 2
check "the same incarnation" "$(incarnation_of qdisk/7/4)" "$incarnation"
ring 5 20
front 5 3
reach "InitWait: Connected" "$(b_of qdisk/7/5)/state" 4
front 5 4

# ---- what happens while we are down

connect 6 7 8 9 10
attach_qdisk 7 11
attach_qdisk 7 12
await "$(b_of qdisk/7/11)/state" 2 "$(b_of qdisk/7/12)/state" 2
await_quiet 100
kill_xenrecon
old_ring=$(ring_of qdisk/7/6)
old_5=$(incarnation_of qdisk/7/5)
old_6=$(incarnation_of qdisk/7/6)
old_8=$(incarnation_of qdisk/7/8)
ring 6 60 # kexec: all over within the time that we were away
front 6 4
toolstack detach qdisk 7 7
front 7 6
toolstack remove qdisk 7 8
attach_qdisk 7 8
toolstack remove qdisk 7 9
front 10 5 # a driver reload, all of it
front 10 6
front 10 1
toolstack detach qdisk 7 11
ring 12 24
front 12 3
attach_qdisk 7 13
attach_qdisk 7 14
toolstack detach qdisk 7 14
mark=$(trace_mark)
said=$(log_mark)
start_xenrecon --policies "$policies"
await "$(b_of qdisk/7/13)/state" 2
await_quiet 100
check "a new ring: connected again" \
    "$([ "$(ring_of qdisk/7/6)" != "$old_ring" ] && log_since "$said" | grep -c 'qdisk/7/6: connect: ')" 1
check "a new ring: Connected all the time" "$(phase 6) $(history "$mark" "$(b_of qdisk/7/6)")" "4 "
check "a new ring: the same incarnation" "$(incarnation_of qdisk/7/6)" "$old_6"
reach "detached, and closed by the frontend: gone" "$(b_of qdisk/7/7)" absent
reach "removed and made again: InitWait" "$(b_of qdisk/7/8)/state" 2
check "removed and made again: another incarnation" "$([ "$(incarnation_of qdisk/7/8)" != "$old_8" ] && echo yes)" yes
check "removed and made again: created" "$(log_since "$said" | grep -o 'qdisk/7/8: [a-z]*:')" "qdisk/7/8: create:"
check "removed: nothing came of it" "$(phase 9) $(log_since "$said" | grep -c 'qdisk/7/9:' || true)" "absent 0"
reach "driver reload: InitWait" "$(b_of qdisk/7/10)/state" 2
check "driver reload: by way of Closed" "$(history "$mark" "$(b_of qdisk/7/10)")" 62
reach "detached in InitWait: gone" "$(b_of qdisk/7/11)" absent
reach "the frontend became ready: Connected" "$(b_of qdisk/7/12)/state" 4
check "attached: InitWait" "$(phase 13)" 2
reach "attached and detached: gone" "$(b_of qdisk/7/14)" absent
check "Connected, and nothing happened to it: not written to" \
    "$(changes_since "$mark" | grep -cE '/7/[15]/' || true) $(phase 1) $(incarnation_of qdisk/7/5)" "0 4 $old_5"

kill_xenrecon
toolstack domain-destroy 7 -- wait /local/domain/7 absent
start_xenrecon --policies "$policies"
reach "the domain died while we were down: Closed" "$(b_of qdisk/7/1)/state" 6
await_quiet 100
check "nothing is left to do" "$("${xenrecon[@]}" plan --policies "$policies" | head -n 1 | grep -o 'nothing to do')" "nothing to do"
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
