#!/bin/bash
# SPDX-License-Identifier: MIT
# `plan` and `explain` decide as the running daemon does, where there is one: with its policies, its ages and its workers.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

# plan ARGUMENT...: on stdout; what it says beside that is in $dir/err
plan() { "${xenrecon[@]}" plan "$@" 2>"$dir/err"; }
# verdict_of DEVICE: row, actions, findings
verdict_of() {
    plan --format json "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)["devices"][0]
print(" ".join([d["row"] + ":"] + [a["action"] for a in d["actions"]] + [f["severity"] + "=" + f["code"] for f in d["findings"]]))'
}

policy_qdisk <<'END'
deadlines: {connect: 300ms}
END
policy vgreet <<'END'
owner: xenrecon
worker: {command: [/bin/false]}
retry: {initial: 60s, max: 60s}
END
attach_qdisk 7 1
check "without a daemon it says so" "$(plan >/dev/null && cat "$dir/err")" \
    "xenrecon: no daemon to ask: from the store alone, so that nothing is known of ages and workers"
start_xenrecon --policies "$policies"
log=$(log_mark)
xenstore-write "$(f_of qdisk/7/1)/state" 2
logged "the guest takes too long" 0 'qdisk/7/1: stuck-connect'
toolstack attach vgreet 8 0
logged "a worker dies" "$log" 'vgreet/8/0: worker-died'
await_quiet 100

check "with a daemon it says so" "$(plan >/dev/null && cat "$dir/err")" "xenrecon: as the running daemon decides, process $xenrecon_pid"
check "the same ages" "$(verdict_of qdisk/7/1)" "steady: warning=stuck-connect"
check "the same workers" "$(verdict_of vgreet/8/0)" "respawn: error=worker-died"
check "of which plan alone knows nothing" "$(verdict vgreet/8/0)" "create: create"
check "with its policies" "$(plan --format json | grep -c '"device": "vgreet')" 1
check "explain: the same row" "$("${xenrecon[@]}" explain vgreet/8/0 2>"$dir/err" | sed -n 's/^row \([a-z]*\):.*/\1/p')" respawn
check "explain: says so, too" "$(cat "$dir/err")" "xenrecon: as the running daemon decides, process $xenrecon_pid"
check "nothing to do for any device that the daemon is done with" "$(plan --format json | grep -c '"action":' || true)" 0
check "--policies asks nobody" "$(plan --policies "$policies" >/dev/null && cat "$dir/err")" ""
"${xenrecon[@]}" explain --export "$dir/case" vgreet/8/0 >/dev/null 2>&1
check "an exported case is of the store alone" "$(grep -c '^ *\* create: ' "$dir/case/expected")" 1

# ---- what fails is held until its backoff ends, for both

policy odd <<'END'
owner: xenrecon
publish: {a: 1}
retry: {initial: 60s, max: 60s}
END
log=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "another policy" "$log" 'policies reloaded: 3'
status_rows() {
    "${xenrecon[@]}" status --format json | python3 -c '
import json, sys
print(sorted((d["device"], d["row"]) for d in json.load(sys.stdin)["devices"]))'
}
plan_rows() {
    plan --format json | python3 -c '
import json, sys
print(sorted((d["device"], d["row"]) for d in json.load(sys.stdin)["devices"]))'
}
toolstack attach odd 8 1 -- attach odd 8 2 --online 0
attach_qdisk 8 3
play qdisk/8/3 connect
await "$(b_of qdisk/8/3)/state" 4 "$(b_of odd/8/1)/state" 2
await_quiet 100
check "status and plan name the same rows" "$(plan_rows)" "$(status_rows)"

policy odd <<'END'
owner: external
END
log=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "a policy that changes its owner" "$log" 'odd/8/1: policy-changed'
check "is found by plan, too" "$(plan odd/8/1 | grep -c 'warning policy-changed')" 1

# ---- when the daemon is not one to ask

check "another store" "$(
    eval "$("$repo/test/rig/store.sh" start "$dir/2")"
    plan >/dev/null
    cat "$dir/err"
    "$repo/test/rig/store.sh" stop "$dir/2"
)" "xenrecon: the daemon that runs here looks after another store, $XENSTORED_PATH: done without it"
kill_xenrecon
check "killed" "$(plan >/dev/null && cat "$dir/err")" \
    "xenrecon: no daemon to ask: from the store alone, so that nothing is known of ages and workers"
