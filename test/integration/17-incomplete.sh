#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory that is written key by key: nothing is done before it is complete.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
deadlines: {create: 300ms}
END
touch "$dir/xenrecon.log"
JOURNAL_STREAM=$(stat -c %d:%i "$dir/xenrecon.log") # with severities: <3> is an error, <4> a warning
export JOURNAL_STREAM
start_xenrecon --policies "$policies"

# ---- as slow toolstacks do it

b=$(b_of qdisk/7/1)
mark=$(trace_mark)
log=$(log_mark)
toolstack slowly qdisk 7 1 --pause-ms 110 params=raw:/x.%d mode=w -- wait "$b/state" 2
pass "slowly: InitWait"
await_quiet 100
check "slowly: nothing is written before the last key" \
    "$(trace_since "$mark" | grep -o "^WRITE ($b/[^ ]*" | sed 's|.*/||' | tr '\n' ' ')" \
    "frontend frontend-id params mode online state feature-flush-cache hotplug-status xenrecon state "
logged "slowly: too slow, says the log" "$log" "qdisk/7/1: incomplete-dir: $b has no .online. key"
check "slowly: nothing is left to do" "$(verdict qdisk/7/1)" "steady: info=stuck-connect"

# ---- step by step

b=$(b_of qdisk/7/2)
f=$(f_of qdisk/7/2)
mark=$(trace_mark)
log=$(log_mark)
xenstore-write "$f/backend" "$b" "$f/backend-id" 0 "$f/state" 1 "$b" ""
untouched "empty: nothing is done" "$mark"
check "empty: plan" "$(verdict qdisk/7/2)" "incomplete-dir: warning=incomplete-dir"
xenstore-write "$b/frontend" "$f" "$b/frontend-id" 7 "$b/state" 1
untouched "no online: nothing is done" "$mark"
check "no online: plan" "$(verdict qdisk/7/2)" "incomplete-dir: warning=incomplete-dir"
logged "no online: says the log, after the deadline" "$log" "qdisk/7/2: incomplete-dir: .* for more than 0.3 s"

log=$(log_mark)
xenstore-write "$b/online" 1
logged "no params, no mode: says the log" "$log" "qdisk/7/2: missing-key: $b/params is missing"
logged "no params, no mode: both" "$log" "qdisk/7/2: missing-key: $b/mode is missing"
check "no params, no mode: plan" "$(verdict qdisk/7/2)" "incomplete: warning=missing-key warning=missing-key"
untouched "no params, no mode: nothing is done" "$mark"

xenstore-write "$b/mode" rw "$b/params" raw:/x
logged "a mode that is none: says the log" "$log" "qdisk/7/2: invalid-key: $b/mode "
check "a mode that is none: plan" "$(verdict qdisk/7/2)" "incomplete: warning=invalid-key"
xenstore-write "$b/mode" w "$b/params" vhd:/x
logged "params that do not match: says the log" "$log" "qdisk/7/2: invalid-key: $b/params "
untouched "params that do not match: nothing is done" "$mark"
check "params that do not match: Initialising" "$(state_of "$b")" 1
xenstore-write "$b/params" qcow2:/x
reach "complete: InitWait at once" "$b/state" 2
check "complete: nothing is left to do" "$(verdict qdisk/7/2)" "steady: info=stuck-connect"

# ---- each of the keys that every device needs

id=2
for key in frontend frontend-id state; do
    id=$((id + 1))
    b=$(b_of qdisk/7/$id)
    log=$(log_mark)
    kill -STOP $xenrecon_pid
    attach_qdisk 7 $id
    value=$(xenstore-read "$b/$key")
    xenstore-rm "$b/$key"
    kill -CONT $xenrecon_pid
    logged "no $key: says the log" "$log" "qdisk/7/$id: missing-key: $b/$key is missing"
    check "no $key: plan" "$(planned qdisk/7/$id '[d["row"]] + sorted({f["code"] for f in d["findings"]})')" \
        "['incomplete', 'missing-key']"
    xenstore-write "$b/$key" "$value"
    reach "no $key: InitWait when it comes" "$b/state" 2
done

# ---- a warning first, an error when the deadline is over

b=$(b_of qdisk/7/6)
mark=$(trace_mark)
log=$(log_mark)
toolstack attach qdisk 7 6 params=raw:/x.%d
logged "missing: said, as a warning" "$log" "^<4>xenrecon: qdisk/7/6: missing-key: $b/mode is missing"
logged "missing: an error after the deadline" "$log" "^<3>xenrecon: qdisk/7/6: missing-key: $b/mode is missing"
check "missing: said twice" "$(log_since "$log" | grep -c qdisk/7/6)" 2
untouched "missing: nothing is done" "$mark"

# ---- a guest that says Initialised before its ring is there: nobody tells us of the ring, and still it is found

toolstack attach qdisk 7 9 params=raw:/x.%d mode=w
await "$(b_of qdisk/7/9)/state" 2
log=$(log_mark)
xenstore-write /local/domain/7/device/vbd/9/state 3
logged "late ring: missing at first" "$log" "qdisk/7/9: missing-key: .*/ring-ref is missing"
xenstore-write /local/domain/7/device/vbd/9/ring-ref 8 /local/domain/7/device/vbd/9/event-channel 9
AWAIT_MS=$(soon_ms) reach "late ring: connects within a second" "$(b_of qdisk/7/9)/state" 4
