#!/bin/bash
# SPDX-License-Identifier: MIT
# Frontends that come, go and come again, with `cycle: on-initialising`.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
start_xenrecon --policies "$policies"

# cycled PROGRAM STATES [OPTION...]: the device ends Connected, and this is how B's state went
id=0
cycled() {
    local b f
    id=$((id + 1))
    b=$(b_of qdisk/7/$id)
    f=$(f_of qdisk/7/$id)
    mark=$(trace_mark)
    attach_qdisk 7 $id
    play qdisk/7/$id "$1" --once "${@:3}"
    played "$1: the driver is content"
    reach "$1: Connected" "$b/state" 4 "$f/state" 4
    await_quiet 100
    check "$1: states of B" "$(history "$mark" "$b" | sed -E "$squeeze")" "$2"
    check "$1: nothing is left to do" "$(verdict qdisk/7/$id)" "steady:"
}

squeeze=
cycled connect 124
cycled net 124
cycled close-first 125624
cycled reload 1245624
cycled reload-2 1245624
cycled flap 124562456245624 --rounds 3

# Those that do not wait may be faster than our looks, and then some states are skipped.
squeeze='s/^12.*4$/12..4/'
cycled eager 12..4
cycled restart-fast 12..4
cycled kexec 12..4
cycled kexec-waits 12..4

# ---- a kexec between two of our looks: F is Connected as before, with another ring

b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
ring=$(ring_of qdisk/7/1)
incarnation=$(incarnation_of qdisk/7/1)
log=$(log_mark)
kill -STOP $xenrecon_pid
for state in 5 6 1; do xenstore-write "$f/state" $state; done
xenstore-write "$f/ring-ref" 1000 "$f/event-channel" 1001 "$f/state" 3
xenstore-write "$f/state" 4
kill -CONT $xenrecon_pid
logged "unseen kexec: reconnects" "$log" "qdisk/7/1: connect: "
await_quiet 100
check "unseen kexec: B stays Connected" "$(state_of "$b")" 4
check "unseen kexec: another ring" "$([ "$(ring_of qdisk/7/1)" != "$ring" ] && echo yes)" yes
check "unseen kexec: the same incarnation" "$(incarnation_of qdisk/7/1)" "$incarnation"

# ---- closed for good: no new InitWait

mark=$(trace_mark)
play qdisk/7/1 close
played "close: is answered"
await_quiet 100
check "close: Closing, Closed, and no more" "$(history "$mark" "$b") $(state_of "$f")" "56 6"
check "close: nothing is left to do" "$(verdict qdisk/7/1)" "steady: info=closed-online"
xenstore-write "$f/state" 1
reach "close: InitWait when the driver is back" "$b/state" 2

# ---- a frontend that vanishes

f=$(f_of qdisk/7/2)
xenstore-rm "$f"
reach "no frontend: Closed" "$(b_of qdisk/7/2)/state" 6

# ---- the driver that never stops: after ten rounds it has to wait

attach_qdisk 7 99
log=$(log_mark)
play qdisk/7/99 flap --rounds 12
logged "flapping: is said" "$log" "qdisk/7/99: flapping: "
await_quiet 100
check "flapping: Closed" "$(state_of "$(b_of qdisk/7/99)")" 6
check "flapping: ten times" "$(log_since "$log" | grep -c 'qdisk/7/99: cycle')" 10
check "flapping: the others do not wait" "$(xenstore-write "$(f_of qdisk/7/3)/state" 1 && toolstack wait "$(b_of qdisk/7/3)/state" 2 && echo yes)" yes
