#!/bin/bash
# SPDX-License-Identifier: MIT
# What things cost in requests, counted in the store's trace. Allowed are fixed numbers, plus one read for each key that the
# policy needs and one write for each key that it publishes. SHOW=1 prints the requests, too.
TRACE=on
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
needed=2 published=1 ring=2 # as the policy says: needed to create, published, needed to connect
b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)

# costs NAME ALLOWED: since the last time; ALLOWED is - where nothing is demanded
costs() {
    local n met=
    await_quiet 100
    trace_since "$mark" "$xenrecon_connection" >"$dir/asked"
    mark=$(trace_mark)
    n=$(wc -l <"$dir/asked")
    sample "${1//,/}" 1 "$n"
    [ "$2" = - ] || met=$(demand "$1" "$n" "<=" "$2")
    row "$1" "$n" "$2" "$met" \
        "$(awk '{ n[$1]++ } END { for (type in n) print n[type], type }' "$dir/asked" | sort -k 2 | paste -sd, | sed 's/,/, /g')"
    [ -z "${SHOW:-}" ] || sed 's/^/    /' "$dir/asked"
}

serve
attach_qdisk 7 0 # what a type and a guest cost once is not counted
await "$(b_of qdisk/7/0)/state" 2
await_quiet 100
mark=$(trace_mark)

table what requests "at most" "" which
attach_qdisk 7 1
await "$b/state" 2
costs "attach, to InitWait" $((12 + needed + published))
xenstore-write "$f/state" 1
costs "nothing: F/state Initialising again" 3
xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9
costs "nothing: the guest writes its ring" 3
xenstore-write "$f/state" 3
await "$b/state" 4
costs "F Initialised, to Connected" 10
xenstore-write "$f/state" 4
costs "F Connected, which changes nothing" 10
xenstore-write "$f/state" 4
costs "nothing: F/state Connected again" 3
xenstore-write "$b/physical-device" 8:0
costs "nothing: an undeclared key of B" 3
xenstore-write "$b/mode" r
costs "nothing: a key of B that no longer matters" 3
xenstore-write "$b/state" 4
costs "nothing: B/state again" 3
xenstore-write "$b/online" 1
costs "nothing: online again" 3
xenstore-write "$b/xenrecon" "$(xenstore-read "$b/xenrecon")"
costs "nothing: the marker again" 3
xenstore-write "$f/state" 5
await "$b/state" 5
costs "F Closing, to Closing" 10
xenstore-write "$f/state" 6
await "$b/state" 6
costs "F Closed, to Closed" 10
xenstore-write "$f/state" 1
await "$b/state" 2
costs "F Initialising, to InitWait" 10
xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9 "$f/state" 3
await "$b/state" 4
costs "the ring and F Initialised, to Connected" 10
xenstore-write "$f/state" 4
costs "F Connected, which changes nothing" 10

# ---- a type that nobody declared

"$tools/load" devices 7 1 0 20 1 vif
costs "20 devices of a type without a policy" 1
# 5 keys that every device has, F's state, and the ring of the one that is connected
keys=$((2 * 6 + ring))
kill -HUP "$xenrecon_pid"
costs "resync of 2 devices, 1 connected (3 listings, $keys keys)" $((3 + keys))
toolstack detach qdisk 7 0
toolstack detach qdisk 7 1
xenstore-write "$f/state" 6
await $backends/qdisk absent
costs "detach of both, to nothing" -

# ---- domains that come and go, of which there are some already

xenstore-rm $backends/vif
others=(10 11 12 13 14 15)
for domid in "${others[@]}"; do
    start_domain "$domid"
    attach_qdisk "$domid" 0
    await "$(b_of "qdisk/$domid/0")/state" 2
done
await_quiet 100
mark=$(trace_mark)
start_domain 100
costs "a domain is introduced, ${#others[@]} others have a device each" -
stop_domain 100
costs "a domain is released, ${#others[@]} others have a device each" -
