#!/bin/bash
# SPDX-License-Identifier: MIT
# `hold.init-wait` keeps InitWait there to be seen, whatever the frontend does.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {init-wait: 500ms}
END
policy vkbd <<'END'
owner: xenrecon
END
policy vdispl <<'END'
owner: xenrecon
hold: {init-wait: 5s}
END
policy vsnd <<'END'
owner: xenrecon
hold: {init-wait: 3600s, closed: 0}
END
start_xenrecon --policies "$policies"
# lasted NAME BEGUN MS: at least so long
lasted() {
    check "$1" "$([ $(($(now_ms) - $2)) -ge "$3" ] && echo yes)" yes
}

# ---- a frontend that is ready before we are

b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
mark=$(trace_mark)
begun=$(now_ms)
toolstack attach qdisk 7 1 params=raw:/x.%d mode=w F:ring-ref=8 F:event-channel=9 -- wait "$b/state" 2
xenstore-write "$f/state" 3
reach "eager: Connected" "$b/state" 4
lasted "eager: not before the hold was over" "$begun" 500
await_quiet 100
check "eager: states of B" "$(history "$mark" "$b")" 124

# ---- each time it comes back to InitWait

xenstore-write "$f/state" 6
await "$b/state" 6
begun=$(now_ms)
xenstore-write "$f/state" 1
await "$b/state" 2
xenstore-write "$f/state" 3
reach "cycle: Connected" "$b/state" 4
lasted "cycle: not before the hold was over" "$begun" 500

# ---- another type

toolstack attach vkbd 7 1
xenstore-write "$(f_of vkbd/7/1)/state" 4
reach "a type without the hold: Connected" "$(b_of vkbd/7/1)/state" 4

# ---- a long one

s=$(b_of vsnd/7/1)
mark=$(trace_mark)
toolstack attach vsnd 7 1 -- wait "$s/state" 2
xenstore-write "$(f_of vsnd/7/1)/state" 3
await_quiet 300
check "held: InitWait" "$(state_of "$s")" 2
check "held: plan would connect" "$(verdict vsnd/7/1)" "connect: connect"
xenstore-write "$(f_of vsnd/7/1)/state" 5
reach "held: a frontend that closes is answered" "$s/state" 5
toolstack detach vsnd 7 1
xenstore-write "$(f_of vsnd/7/1)/state" 6
reach "held: a detach ends it" "$s" absent
await_quiet 100
check "held: never Connected" "$(history "$mark" "$s" | tr -d 56)" 12

# ---- when the hold is over, nothing more is waited for

d=$(b_of vdispl/7/2)
toolstack attach vdispl 7 2 -- wait "$d/state" 2
sleep 5.1
begun=$(now_ms)
xenstore-write "$(f_of vdispl/7/2)/state" 3
reach "later: Connected" "$d/state" 4
check "later: without another hold" "$([ $(($(now_ms) - begun)) -lt 4900 ] && echo yes)" yes
