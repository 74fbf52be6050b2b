#!/bin/bash
# SPDX-License-Identifier: MIT
# How many requests things take: the figures of test/bench/README.md. A number that grew is a loss; one that shrank is to be put
# here.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
# What xenrecon has asked since $mark: "2 READ, 1 WRITE"
asked() {
    await_quiet 100
    trace_since "$mark" "$xenrecon_connection" | awk '{ n[$1]++ } END { for (type in n) print n[type], type }' |
        sort -k 2 | paste -sd, | sed 's/,/, /g'
}
# costs NAME REQUESTS [WHICH]: since the last time
costs() {
    local which
    which=$(asked)
    mark=$(trace_mark)
    check "$1: $2 requests" "$which" "${3:-}"
}

# Another device is there: what a type and a guest cost once is not counted
start_xenrecon --policies "$policies" --resync 0
attach_qdisk 7 0
await "$(b_of qdisk/7/0)/state" 2
await_quiet 100
mark=$(trace_mark)

attach_qdisk 7 1
await "$b/state" 2
costs "attach, to InitWait" 15 "9 READ, 1 TRANSACTION_END, 1 TRANSACTION_START, 4 WRITE"
xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9
costs "the guest writes its ring" 0
xenstore-write "$f/state" 3
await "$b/state" 4
costs "F Initialised, to Connected" 10 "6 READ, 1 TRANSACTION_END, 1 TRANSACTION_START, 2 WRITE"
xenstore-write "$f/state" 4
costs "F Connected, which is what was waited for" 7 "7 READ"
xenstore-write "$f/state" 4
costs "F/state is written again" 3 "3 READ"
xenstore-write "$b/physical-device" 8:0
costs "a key of B that is not declared" 0
xenstore-write "$b/mode" r
costs "a key of B that no longer matters" 0
xenstore-write "$b/state" 4
costs "B/state is written again" 1 "1 READ"
xenstore-write "$f/feature-x" 1
costs "a key of F" 0
xenstore-write "$f/state" 5
await "$b/state" 5
costs "F Closing, to Closing" 9 "5 READ, 1 TRANSACTION_END, 1 TRANSACTION_START, 2 WRITE"
xenstore-write "$f/state" 6
await "$b/state" 6
costs "F Closed, to Closed" 8 "4 READ, 1 TRANSACTION_END, 1 TRANSACTION_START, 2 WRITE"
xenstore-write "$f/state" 1
await "$b/state" 2
costs "F Initialising, to InitWait" 8 "4 READ, 1 TRANSACTION_END, 1 TRANSACTION_START, 2 WRITE"
toolstack detach qdisk 7 1
await "$b" absent
# one less when B's and F's events come together
which=$(asked | sed 's/^2 DIRECTORY, 16 /2 DIRECTORY, 17 /')
mark=$(trace_mark)
check "detach, to nothing: 28 requests" "$which" \
    "2 DIRECTORY, 17 READ, 1 RM, 3 TRANSACTION_END, 3 TRANSACTION_START, 2 WRITE"
kill -HUP "$xenrecon_pid"
costs "a resync, with one device" 9 "3 DIRECTORY, 6 READ"
