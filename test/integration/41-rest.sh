#!/bin/bash
# SPDX-License-Identifier: MIT
# A second pass plans nothing and writes nothing; --once and --dry-run; what plan's exit status says.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
# run_to_end OPTION...: says so when the status is not 0
run_to_end() {
    "${xenrecon[@]}" run --policies "$policies" "$@" >>"$dir/run.log" 2>&1 || echo "status $?"
}
detailed() {
    local status=0
    "${xenrecon[@]}" plan --detailed-exitcode --policies "$policies" "$@" >"$dir/plan" || status=$?
    echo $status
}
# What would not be said by somebody who only looks, of all that was said since MARK
acts_since() {
    trace_since "$1" | grep -E '^(WRITE|RM|MKDIR|SET_PERMS|TRANSACTION_START)' || true
}
b=$(b_of qdisk/7/1)

# ---- --dry-run

attach_qdisk 7 1
attach_qdisk 7 2
mark=$(trace_mark)
check "plan: there is something to do" "$(detailed)" 2
check "plan: of one device" "$(detailed qdisk/7/1)" 2
check "--dry-run --once" "$(run_to_end --dry-run --once)" ""
check "--dry-run: says what it would do" "$(grep -c 'qdisk/7/[12]: would create: ' "$dir/run.log")" 2
start_xenrecon --policies "$policies" --dry-run
attach_qdisk 7 3
logged "--dry-run: goes on looking" 0 'qdisk/7/3: would create: '
toolstack detach qdisk 7 3
logged "--dry-run: says more when there is more" 0 'qdisk/7/3: would close: '
await_quiet 100
check "--dry-run: does not write" "$(trace_since "$mark" | grep -cE '^WRITE .*(xenrecon|feature-flush-cache|hotplug-status)|^RM' || true)" 0
check "--dry-run: opens no transaction" "$(trace_since "$mark" "$xenrecon_connection" | grep -c ^TRANSACTION || true)" 0
check "--dry-run: the devices are as they were" "$(state_of "$b") $(state_of "$(b_of qdisk/7/3)")" "1 5"
stop_xenrecon

# ---- --once

check "--once: does what there is to do" "$(run_to_end --once)" ""
check "--once: all of it" "$(state_of "$b") $(state_of "$(b_of qdisk/7/2)") $(state_of "$(b_of qdisk/7/3)")" "2 2 absent"
f=$(f_of qdisk/7/1)
xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9 "$f/state" 3
check "--once: and again when there is more" "$(run_to_end --once)" ""
check "--once: Connected" "$(state_of "$b")" 4
xenstore-write "$f/state" 4
mark=$(trace_mark)
check "--once: exits with 0 when there is nothing to do" "$(run_to_end --once)" ""
check "--once: and changes nothing" "$(acts_since "$mark")" ""
xenstore-write "$(f_of qdisk/7/2)/ring-ref" 10 "$(f_of qdisk/7/2)/event-channel" 11 "$(f_of qdisk/7/2)/state" 4
check "plan: there is something to do again" "$(detailed) $(detailed qdisk/7/1)" "2 0"
check "--once: the other device" "$(run_to_end --once)" ""
check "plan: nothing is left to do, and nothing to say" "$(detailed)" 0
check "plan: says so" "$(head -n 1 "$dir/plan")" "2 devices of backend domain 0: 2 ok; nothing to do"

# ---- full resyncs, one a second and one for each SIGHUP

# How often it has looked at everything: everything is what it lists
resynced() { trace_since "$mark" "$xenrecon_connection" | grep -c "^DIRECTORY (/local/domain/0/backend/qdisk/7 \|^DIRECTORY (backend/qdisk/7 "; }
mark=$(trace_mark)
start_xenrecon --policies "$policies" --resync 0
await_quiet 100
check "a start looks at everything" "$(resynced)" 1
stop_xenrecon
said=$(log_mark)
mark=$(trace_mark)
start_xenrecon --policies "$policies" --resync 1
kill -HUP $xenrecon_pid
logged "SIGHUP" "$said" 'policies reloaded'
end=$((SECONDS + AWAIT_MS / 1000))
until [ "$(resynced)" -ge 4 ] || [ $SECONDS -gt $end ]; do
    sleep 0.1
done
check "resyncs look at everything again" "$([ "$(resynced)" -ge 4 ] && echo yes)" yes
check "at every device" "$([ "$(trace_since "$mark" "$xenrecon_connection" | grep -c "^READ (.*/qdisk/7/[12]/state ")" -ge 7 ] && echo yes)" yes
check "at rest nothing is written, and no transaction opened" "$(acts_since "$mark")" ""
check "nothing is said to be done" "$(log_since "$said" | grep -cE ': (create|connect|close|cycle|release|destroy): ' || true)" 0
