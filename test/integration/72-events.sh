#!/bin/bash
# SPDX-License-Identifier: MIT
# `xenrecon events`: what happened on this host, over restarts of the daemon.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

policy_qdisk <<'END'
deadlines: {connect: 300ms}
END
events() { "${xenrecon[@]}" events "$@"; }
# said [ARGUMENT...]: without times
said() { events "$@" | sed -E 's/^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}  //'; }
# of EXPRESSION [ARGUMENT...]: in Python, of `e`, the events
of() {
    events --format jsonl "${@:2}" >"$dir/jsonl"
    python3 -c '
import json, sys
e = [json.loads(line) for line in open(sys.argv[1])]
print(eval(sys.argv[2]))' "$dir/jsonl" "$1"
}

start_xenrecon --policies "$policies"
log=$(log_mark)
attach_qdisk 7 51712
attach_qdisk 9 51712
logged "one is late" "$log" 'qdisk/7/51712: stuck-connect'
play qdisk/7/51712 connect
logged "and comes" "$log" 'qdisk/7/51712: cleared: stuck-connect'
# how often it is late on its way is a question of the machine
check "of one device: what was done, found, and cleared" \
    "$(said qdisk/7/51712 | sed 's/stuck-connect: .*/stuck-connect/' | awk '!seen[$0]++')" \
    "qdisk/7/51712: create: the toolstack asks for it, and its keys are complete
qdisk/7/51712: stuck-connect
qdisk/7/51712: connect: the frontend is ready
qdisk/7/51712: cleared: stuck-connect"
check "as JSON" "$(of 'list(dict.fromkeys((x["event"], x["device"], x["domid"], x["action"], x["finding"]) for x in e))' 7)" \
    "[('action', 'qdisk/7/51712', 7, 'create', None), ('finding', 'qdisk/7/51712', 7, None, 'stuck-connect'), ('action', 'qdisk/7/51712', 7, 'connect', None), ('cleared', 'qdisk/7/51712', 7, None, 'stuck-connect')]"
events --format jsonl >"$dir/jsonl"
check "as its schema says" "$("$repo/test/lib/validate.py" --lines "$repo/schemas/events.schema.json" "$dir/jsonl")" ""
check "another guest's are not" "$(said 7 | grep -c qdisk/9 || true)" 0
check "all of the host" "$(of 'len({x["device"] for x in e}), any(x["message"].startswith("ready") for x in e)')" "(3, True)"
before=$(events | grep -v SIGTERM)

# ---- restarts

stop_xenrecon
start_xenrecon --policies "$policies"
check "a restart loses nothing" "$(events | head -n "$(wc -l <<<"$before")")" "$before"
check "and is an event" "$(said | grep -c '^SIGTERM')" 1
before=$(events)
kill -KILL "$xenrecon_pid"
wait "$xenrecon_pid" || true
start_xenrecon --policies "$policies"
check "nor does kill -9" "$(events | head -n "$(wc -l <<<"$before")")" "$before"
check "numbers go on" "$(of '[x["number"] for x in e] == list(range(1, len(e) + 1))')" True

# ---- since when, and from now on

check "nothing since later" "$(said --since 2099-01-01T00:00)" ""
check "all since long ago" "$(events --since 1h)" "$(events)"
"${xenrecon[@]}" events --follow qdisk/11 >"$dir/followed" &
follower=$!
attach_qdisk 11 51712
until grep -q '11/51712: create' "$dir/followed"; do
    kill -0 $follower
    sleep 0.05
done
pass "--follow shows what comes"
stop_xenrecon
start_xenrecon --policies "$policies"
play qdisk/11/51712 connect
until grep -q '11/51712: connect' "$dir/followed"; do
    kill -0 $follower
    sleep 0.05
done
pass "over a restart, too"
kill $follower
wait $follower || true
check "each once" "$(grep -c '11/51712: create' "$dir/followed")" 1

# ---- a dry run beside it keeps its own

"${xenrecon[@]}" run --once --dry-run --policies "$policies" 2>/dev/null
check "a dry run writes nothing into the file" "$(said | grep -c 'would' || true)" 0
rm "$dir/run/events"
becomes_true test -s "$dir/run/events"
pass "a file that was removed is written again"

# ---- what workers print

policy vgreet <<'END'
owner: xenrecon
worker: {command: [/bin/sh, -c, 'echo hello from $XENRECON_DEVICE; echo and more; exec sleep 1000']}
END
log=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "another policy" "$log" 'policies reloaded'
toolstack attach vgreet 9 0 -- attach vgreet 9 1
logged "a worker prints" "$log" 'vgreet/9/0: .*and more'
logged "and another one" "$log" 'vgreet/9/1: .*and more'
check "logs has that, and nothing else" "$("${xenrecon[@]}" logs vgreet/9/1 | sed -E 's/^.{19}  //')" "$(grep -E '^xenrecon: vgreet/9/1: .*(hello|more)' "$dir/xenrecon.log" | sed 's/^xenrecon: //')"

refused() {
    local name=$1 want=$2 status=0
    shift 2
    events "$@" >"$dir/out" 2>&1 || status=$?
    check "$name: refused" "$status" 64
    check "$name: says what, and what to do" "$(cat "$dir/out")" "$want"
}
refused "no time" "xenrecon: --since is a time like 10m, 2h or 2026-01-31T23:59, not \"noon\"
xenrecon: see \`xenrecon events --help\`" --since noon
check "logs wants a device" "$("${xenrecon[@]}" logs 2>&1 | head -n 1)" "xenrecon: it wants a DEVICE, such as qdisk/7/51712 or */web/*"
refused "no format" "xenrecon: --format is text or jsonl, not \"json\"
xenrecon: see \`xenrecon events --help\`" --format json
