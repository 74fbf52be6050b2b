#!/bin/bash
# SPDX-License-Identifier: MIT
# `xenrecon history`: what happened to a device, after it has happened.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run
unset COLUMNS

told() { "${xenrecon[@]}" history "$@"; }
# of DEVICE EXPRESSION: in Python, of its decisions, h
of() {
    told --format json --last 1000 "$1" >"$dir/json"
    "$repo/test/lib/validate.py" "$repo/schemas/history.schema.json" "$dir/json" || fail "not as the schema says"
    python3 -c '
import json, sys, time
h = json.load(open(sys.argv[1]))["decisions"]
print(eval(sys.argv[2]))' "$dir/json" "$2"
}

policy_qdisk </dev/null
policy vfb <<'END'
owner: xenrecon
backend-keys: {vncpasswd: {secret: true, required: true}, vnclisten: {}}
END
before=$EPOCHSECONDS
start_xenrecon --policies "$policies"
attach_qdisk 7 51712
toolstack attach vfb 7 0 vncpasswd=hunter2 vnclisten=127.0.0.1
await "$(b_of qdisk/7/51712)/state" 2 "$(b_of vfb/7/0)/state" 2
play qdisk/7/51712 connect
await "$(b_of qdisk/7/51712)/state" 4
await "$(f_of qdisk/7/51712)/state" 4
await_quiet 100
check "what was done, in order" "$(of qdisk/7/51712 '[[a["action"] for a in d["actions"]] for d in h if d["actions"]]')" \
    "[['create'], ['connect']]"
check "from what" "$(of qdisk/7/51712 'sorted((v["side"], v["key"], v["value"]) for d in h if d["row"] == "connect" for v in d["values"] if v["key"] in ("state", "event-channel", "online"))')" \
    "[('backend', 'online', '1'), ('backend', 'state', '2'), ('frontend', 'event-channel', '$(xenstore-read "$(f_of qdisk/7/51712)/event-channel")'), ('frontend', 'state', '3')]"
check "when" "$(of qdisk/7/51712 "all($before <= d['when'] <= time.time() for d in h), [d['when'] for d in h] == sorted(d['when'] for d in h)")" "(True, True)"
check "how it ended" "$(of qdisk/7/51712 '{d["outcome"] for d in h if d["actions"]}')" "{'done'}"
check "a secret is not told" "$(told vfb/7/0 --format json | grep -c hunter2 || true) $(of vfb/7/0 '{v["value"] for d in h for v in d["values"] if v["key"] == "vncpasswd"}')" "0 {'redacted'}"

# ---- nothing happens

n=$(of qdisk/7/51712 'len(h)')
for _ in 1 2 3; do
    xenstore-write "$(b_of qdisk/7/51712)/state" 4 "$(f_of qdisk/7/51712)/state" 4 "$(b_of qdisk/7/51712)/online" 1
    await_quiet 50
done
check "what changes nothing leaves nothing" "$(of qdisk/7/51712 'len(h)')" "$n"

# ---- findings and failures

xenstore-write "$(b_of qdisk/7/51712)/online" x
logged "a bad value" 0 'bad-value'
await_quiet 50
check "a finding" "$(of qdisk/7/51712 'h[-1]["row"], [(f["code"], f["severity"]) for f in h[-1]["findings"]]')" "('bad-value', [('bad-value', 'error')])"
xenstore-write "$(b_of qdisk/7/51712)/online" 1

# ---- gone, and long ago

toolstack detach qdisk 7 51712 --frontend vbd
await "$(b_of qdisk/7/51712)/state" 6
toolstack remove qdisk 7 51712 --frontend vbd
await_quiet 100
check "a device that is gone" "$(of qdisk/7/51712 'h[-1]["row"], len(h) > 4')" "('vanished', True)"
check "--last" "$(told --last 2 --format json qdisk/7/51712 | grep -c '"when"')" 2
check "text" "$(told qdisk/7/51712 | sed -En 's/^[0-9-]{10} [0-9:]{8}\.[0-9]{3}  ([a-z-]*)  ([a-z]*)  .*/\1 \2/p' | head -n 3 | xargs)" "create done steady follows connect done"
check "text has the reasons" "$(told qdisk/7/51712 | grep -c '^    \* c[a-z]*: ')" "$(of qdisk/7/51712 'len([1 for d in h for a in d["actions"] if a["action"][0] == "c"])')"
check "narrow" "$(($(COLUMNS=50 told qdisk/7/51712 | grep '^    [*!]' | wc -L) <= 50))" 1
check "unknown" "$(told qdisk/9/9 2>&1 | head -n 1)" "xenrecon: qdisk/9/9: the daemon knows no such device"
check "hostile values are shown, not obeyed" "$(xenstore-write "$(b_of vfb/7/0)/vnclisten" $'\033[2J\377' "$(b_of vfb/7/0)/online" y
    await_quiet 50
    told --last 1 vfb/7/0 | grep -c $'\033' || true)" 0
