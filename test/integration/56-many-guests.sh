#!/bin/bash
# SPDX-License-Identifier: MIT
# More guests than get a watch of their own: the others share one, and are looked after in the same way.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
own=64 n=70
requests() { trace_since 0 "$xenrecon_connection" | grep -c "^$1" || true; }
connect() {
    xenstore-write "$(f_of "$1")/ring-ref" 8 "$(f_of "$1")/event-channel" 9 "$(f_of "$1")/state" 3
    reach "$2" "$(b_of "$1")/state" 4
}

start_xenrecon --policies "$policies" --resync 0
for ((domid = 1; domid <= n; domid++)); do
    attach_qdisk $domid 0
    await "$(b_of qdisk/$domid/0)/state" 2
done
check "guests with a watch of their own" "$(requests 'WATCH (/local/domain/[0-9]*/device ')" $own
check "one for all the others" "$(requests 'WATCH (/local/domain g')" 1
connect qdisk/1/0 "one with its own is heard"
connect qdisk/$n/0 "one of the others is heard"

await_quiet 100
mark=$(trace_mark)
xenstore-write /local/domain/$n/data/anything 1 "$(f_of qdisk/$n/0)/anything" 1 /local/domain/$n/device-model 1 \
    /local/domain/9999/device/vbd/0/state 1 "$(f_of qdisk/1/0)/anything" 1
await_quiet 100
check "what else is written there costs nothing" "$(trace_since "$mark" "$xenrecon_connection" | wc -l)" 0

# What a guest's end looks like when the toolstack removes all of it at once
xenstore-write "$(b_of qdisk/$n/0)/online" 0
xenstore-rm /local/domain/$n
reach "a guest's tree is gone: its device is closed" "$(b_of qdisk/$n/0)/state" 6
for ((domid = own + 1; domid <= n; domid++)); do
    xenstore-rm "$(b_of qdisk/$domid)"
done
unwatched() { [ "$(requests 'UNWATCH (/local/domain g')" != 0 ]; }
becomes_true unwatched || true
check "when they are gone, so is their watch" "$(requests 'UNWATCH (/local/domain g')" 1
attach_qdisk $n 1
reach "and it comes back" "$(b_of qdisk/$n/1)/state" 2
connect qdisk/$n/1 "and tells"
