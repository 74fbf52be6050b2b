#!/bin/bash
# SPDX-License-Identifier: MIT
# From detach to nothing: Closed stays readable for a while, and what goes with B is what belongs to it.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 700ms}
END
policy vkbd <<'END'
owner: xenrecon
hold: {closed: 0}
destroy: {frontend: true}
END
policy vdispl <<'END'
owner: xenrecon
hold: {closed: 3600s}
END
policy vsnd <<'END'
owner: xenrecon
hold: {closed: 0}
destroy: {parents: false}
END
start_xenrecon --policies "$policies"

# ---- Connected

b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
attach_qdisk 7 1
attach_qdisk 7 2
attach_qdisk 8 1
play qdisk/7/1 connect
await "$b/state" 4 "$f/state" 4
mark=$(trace_mark)
begun=$(now_ms)
toolstack detach qdisk 7 1 -- wait "$b/state" 6
pass "detach: who waits for Closed sees it"
check "detach: the frontend closed first" "$(state_of "$f")" 6
reach "detach: the directory goes" "$b" absent
check "detach: not before hold.closed was over" "$([ $(($(now_ms) - begun)) -ge 700 ] && echo yes)" yes
wait $player
await_quiet 100
check "detach: states of B" "$(history "$mark" "$b")" 56
check "detach: F is the toolstack's" "$(state_of "$f")" 6
check "detach: its sibling is as it was" "$(state_of "$(b_of qdisk/7/2)") $(verdict qdisk/7/2)" "2 steady: info=stuck-connect"

# ---- Closed is there to be read

d=$(b_of vdispl/7/0)
mark=$(trace_mark)
toolstack attach vdispl 7 0 -- wait "$d/state" 2 -- detach vdispl 7 0 -- wait "$d/state" 6
check "hold.closed: plan knows what comes" "$(verdict vdispl/7/0)" "destroy: destroy"
check "hold.closed: the parents only if they are empty" \
    "$(planned vdispl/7/0 '"\n".join(d["actions"][0]["removes"])')" "\
$d
$backends/vdispl/7
$backends/vdispl"
await_quiet 100
check "hold.closed: Closed, for so long" "$(history "$mark" "$d")" 1256

# ---- in InitWait; parents

toolstack detach qdisk 7 2
reach "last of a guest: its directory goes, too" "$backends/qdisk/7" absent
check "last of a guest: another guest's stays" "$(state_of "$(b_of qdisk/8/1)")" 2
toolstack detach qdisk 8 1
reach "last of a type: its directory goes, too" "$backends/qdisk" absent
check "last of a type: backend stays" "$(xenstore-exists $backends && echo yes)" yes

toolstack attach vsnd 7 0 -- wait "$(b_of vsnd/7/0)/state" 2 -- detach vsnd 7 0
reach "parents: false: the directory goes" "$(b_of vsnd/7/0)" absent
await_quiet 100
check "parents: false: parents stay" "$(xenstore-exists $backends/vsnd/7 && echo yes)" yes

# ---- detached before anybody served it

mark=$(trace_mark)
toolstack attach qdisk 7 3 -- detach qdisk 7 3 -- wait "$(b_of qdisk/7/3)/state" 6
pass "never served: Closed"
reach "never served: gone" "$(b_of qdisk/7/3)" absent
toolstack attach qdisk 7 4 --online 0
reach "online=0 from the beginning: gone" "$(b_of qdisk/7/4)" absent

# ---- destroy.frontend

toolstack attach vkbd 7 0
await "$(b_of vkbd/7/0)/state" 2
toolstack detach vkbd 7 0
reach "destroy.frontend: F goes, too" "$(b_of vkbd/7/0)" absent "$(f_of vkbd/7/0)" absent

# F serves another backend by now
for id in 1 2; do
    toolstack attach vkbd 7 $id -- wait "$(b_of vkbd/7/$id)/state" 2
done
xenstore-write "$(f_of vkbd/7/1)/backend" /local/domain/3/backend/vkbd/7/1
xenstore-write "$(f_of vkbd/7/2)/backend" "$(b_of vkbd/7/20)"
for id in 1 2; do
    toolstack detach vkbd 7 $id
    reach "destroy.frontend: another backend's F $id: B goes" "$(b_of vkbd/7/$id)" absent
    await_quiet 100
    check "destroy.frontend: another backend's F $id stays" "$(state_of "$(f_of vkbd/7/$id)")" 1
done

# F is not where this type's frontends are
toolstack attach vkbd 7 3 --frontend other -- wait "$(b_of vkbd/7/3)/state" 2 -- detach vkbd 7 3
reach "destroy.frontend: an F elsewhere: B goes" "$(b_of vkbd/7/3)" absent
await_quiet 100
check "destroy.frontend: an F elsewhere stays" "$(state_of /local/domain/7/device/other/3)" 1

# ---- F goes first, as on xl destroy

toolstack attach vkbd 9 0 -- wait "$(b_of vkbd/9/0)/state" 2
xenstore-write "$(f_of vkbd/9/0)/state" 4
await "$(b_of vkbd/9/0)/state" 4
toolstack domain-destroy 9
reach "the domain is gone: Closed" "$(b_of vkbd/9/0)/state" 6
xenstore-write "$(b_of vkbd/9/0)/online" 0
reach "the domain is gone, detached: nothing is left" $backends/vkbd absent
check "hold.closed: and still there" "$(state_of "$d")" 6
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
