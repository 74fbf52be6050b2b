#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend that does not let go is waited for, and talked about; nothing is taken away by force.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
deadlines: {close: 300ms}
hold: {closed: 0}
END
start_xenrecon --policies "$policies"

# attach_connected ID
attach_connected() {
    b=$(b_of qdisk/7/"$1")
    f=$(f_of qdisk/7/"$1")
    attach_qdisk 7 "$1"
    play qdisk/7/"$1" never-close
    await "$b/state" 4 "$f/state" 4
    mark=$(trace_mark)
    log=$(log_mark)
}

# ---- detached as libxl does it

attach_connected 1
toolstack detach qdisk 7 1
check "plan, at once" "$(verdict qdisk/7/1)" "close-wait: warning=stuck-detach"
logged "the log, after the deadline" "$log" "qdisk/7/1: stuck-detach: .* the frontend is still Connected, for more than 0.3 s"
check "plan" "$(planned qdisk/7/1 '[f["advice"] for f in d["findings"] if f["code"] == "stuck-detach"]')" \
    "['look at the end that is waited for: a guest has to unmount it; it is never taken away by force']"
xenstore-write "$f/state" 4
untouched "nothing is written" "$mark"
check "said once" "$(log_since "$log" | grep -c stuck-detach)" 1
check "both ends are as they were" "$(state_of "$b") $(state_of "$f")" "5 4"
xenstore-write "$f/state" 5
await_quiet 100
check "F Closing: still waited for" "$(state_of "$b") $(changes_since "$mark")" "5 "
xenstore-write "$f/state" 6
reach "closes at last: nothing is left" "$b" absent $backends/qdisk absent
check "closes at last: by way of Closed" "$(history "$mark" "$b")" 56

# ---- only online=0: we ask

attach_connected 2
xenstore-write "$b/online" 0
reach "only online=0: Closing" "$b/state" 5
logged "only online=0: stuck, too" "$log" "qdisk/7/2: stuck-detach: "
await_quiet 100
check "only online=0: asked once" "$(history "$mark" "$b")" 5
check "only online=0: its ring is still served" "$(ring_of qdisk/7/2 | tr 0-9a-f x)" xxxxxxxxxxxxxxxx

# ---- others meanwhile

attach_qdisk 7 3
play qdisk/7/3 connect
reach "another device of the guest connects" "$(b_of qdisk/7/3)/state" 4
toolstack detach qdisk 7 3
reach "another device of the guest goes" "$(b_of qdisk/7/3)" absent
check "the stuck one is as it was" "$(state_of "$b") $(state_of "$f")" "5 4"

# ---- a guest that dies lets go

toolstack domain-destroy 7
reach "the domain is gone: nothing is left" "$b" absent $backends/qdisk absent
