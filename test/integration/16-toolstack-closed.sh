#!/bin/bash
# SPDX-License-Identifier: MIT
# libxl that is tired of waiting writes Closed itself, with online still 1, and then deletes everything.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
start_xenrecon --policies "$policies"
b=$(b_of qdisk/7/51712)
f=$(f_of qdisk/7/51712)

# ---- from Connected

attach_qdisk 7 51712
play qdisk/7/51712 never-close
await "$b/state" 4 "$f/state" 4
incarnation=$(incarnation_of qdisk/7/51712)
mark=$(trace_mark)
toolstack close qdisk 7 51712
reach "Closed: the ring is let go" "$b/xenrecon" "$incarnation 4 -"
await_quiet 100
check "Closed: plan sees whose it is" "$(verdict qdisk/7/51712)" "toolstack-closed:"
for state in 4 5 6 1 2 3; do
    xenstore-write "$f/state" $state
    await_quiet 100
    check "Closed: left alone with F $state" "$(state_of "$b")" 6
done
check "Closed: nobody else wrote a state" "$(history "$mark" "$b")" 6
mark=$(trace_mark)
toolstack remove qdisk 7 51712
await_quiet 200
check "removed: nothing is left" "$(leftovers)" ""
check "removed: nothing was written" "$(changes_since "$mark")" ""
wait $player

# ---- from InitWait

attach_qdisk 7 51712
await "$b/state" 2
mark=$(trace_mark)
toolstack close qdisk 7 51712
untouched "from InitWait: left alone" "$mark"
check "from InitWait: Closed" "$(state_of "$b")" 6

# ---- the toolstack changes its mind: online=0

mark=$(trace_mark)
toolstack detach qdisk 7 51712
untouched "detached after all: nothing yet, Closed is there to be read" "$mark"
toolstack remove qdisk 7 51712

# ---- at once, with and without a frontend that holds on

rounds=()
for _ in {1..20}; do
    rounds+=(-- attach qdisk 7 51712 params=raw:/x.%d mode=w -- wait "$b/state" 2 -- close qdisk 7 51712 -- remove qdisk 7 51712)
done
toolstack "${rounds[@]:1}"
for _ in {1..5}; do
    attach_qdisk 7 51712
    play qdisk/7/51712 never-close --once
    played "connects"
    toolstack close qdisk 7 51712 -- remove qdisk 7 51712
done
await_quiet 200
check "at once: nothing is left" "$(leftovers)" ""

# ---- and the same place serves again

attach_qdisk 7 51712
play qdisk/7/51712 connect --once
played "attached again: connects"
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
