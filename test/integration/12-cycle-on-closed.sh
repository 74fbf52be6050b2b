#!/bin/bash
# SPDX-License-Identifier: MIT
# With `cycle: on-closed` a device that is still online goes back to InitWait, although its frontend stays Closed.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
cycle: on-closed
END
policy vkbd <<'END'
owner: xenrecon
cycle: on-initialising
END
start_xenrecon --policies "$policies"
b=$(b_of qdisk/7/51712)
f=$(f_of qdisk/7/51712)

attach_qdisk 7 51712
toolstack attach vkbd 7 0
play qdisk/7/51712 connect --once
played "connects"
incarnation=$(incarnation_of qdisk/7/51712)

for round in 1 2 3; do
    mark=$(trace_mark)
    xenstore-write "$f/state" 5
    reach "round $round: Closing follows" "$b/state" 5
    xenstore-write "$f/state" 6
    reach "round $round: InitWait, F is Closed" "$b/state" 2 "$f/state" 6
    await_quiet 100
    check "round $round: by way of Closed" "$(history "$mark" "$b")" 562
    check "round $round: the ring is forgotten" "$(wrote_of qdisk/7/51712) $(ring_of qdisk/7/51712)" "2 -"
    check "round $round: nothing is left to do" "$(verdict qdisk/7/51712)" "steady: info=closed-online"
    play qdisk/7/51712 connect --once
    played "round $round: connects again"
done
check "one incarnation" "$(incarnation_of qdisk/7/51712)" "$incarnation"

# ---- without Closing, as blkfront does

mark=$(trace_mark)
xenstore-write "$f/state" 6
reach "F closed at once: InitWait" "$b/state" 2
await_quiet 100
check "F closed at once: by way of Closed" "$(history "$mark" "$b")" 62

# ---- not once it is detached

mark=$(trace_mark)
toolstack detach qdisk 7 51712
reach "detached: Closed" "$b/state" 6
await_quiet 100
check "detached: no InitWait" "$(history "$mark" "$b")" 56

# ---- the other mode beside it

k=$(b_of vkbd/7/0)
xenstore-write "$(f_of vkbd/7/0)/state" 4
await "$k/state" 4
xenstore-write "$(f_of vkbd/7/0)/state" 6
reach "on-initialising: Closed" "$k/state" 6
await_quiet 100
check "on-initialising: stays Closed" "$(state_of "$k") $(verdict vkbd/7/0)" "6 steady: info=closed-online"
