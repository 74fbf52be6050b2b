#!/bin/bash
# SPDX-License-Identifier: MIT
# The control socket: who may ask, what is answered, and what is not put up with.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

socket=$dir/run/control
ask() { "$repo/test/lib/ask.py" "$socket" "$@" 2>&1 || true; }
# asked NAME REQUEST EXPRESSION WANT: in Python, of `lines`, the answer's objects
asked() {
    check "$1" "$(ask "$2" | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
print(eval(sys.argv[1]))' "$3")" "$4"
}
status='{"protocol":1,"request":"status"}'

policy_qdisk </dev/null
for devid in $(seq 60); do
    attach_qdisk 7 "$devid"
done
start_xenrecon --policies "$policies"
await_quiet 100
check "it is there without any worker, for its owner alone" "$(stat -c '%a %U %F' "$socket")" "600 $(id -un) socket"

# ---- what is answered

asked "status: all devices, in order" "$status" \
    '[list(l)[0] for l in lines] == ["daemon"] + 60 * ["device"] + ["end"], [l["device"]["device"] for l in lines[1:-1]][:3]' \
    "(True, ['qdisk/7/1', 'qdisk/7/2', 'qdisk/7/3'])"
asked "status: one device" '{"protocol":1,"request":"status","devices":["qdisk/7/9"]}' \
    'len(lines), lines[1]["device"]["phase"], lines[1]["device"]["backend_state"]' "(3, 'ready', 'InitWait')"
error='[l["error"]["code"] for l in lines]'
asked "a device that is none" '{"protocol":1,"request":"status","devices":["qdisk/7/9","qdisk/8/9"]}' "$error" "['unknown-device']"
asked "a list that is none" '{"protocol":1,"request":"status","devices":[7,{}]}' "$error" "['unknown-device']"
asked "an unknown request" '{"protocol":1,"request":"obey"}' "$error" "['unknown-request']"
asked "another protocol" '{"protocol":2,"request":"status"}' "$error" "['protocol']"
asked "no request" '{"protocol":1}' "$error" "['bad-request']"
asked "no object" '[1]' "$error" "['bad-request']"
asked "no JSON" "$(printf 'x\377\1')" "$error" "['bad-request']"
check "one after the other" "$(ask '{"protocol":1}' "$status" x | grep -c '^{"e')" 3

# ---- bounds

check "a request that never ends" "$(ask +100000)" closed
check "more clients than there may be" "$(ask @20)" "15 open"
asked "they leave nothing behind" "$status" 'len(lines)' 62
python3 - "$socket" <<'END' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.sendall(50 * b'{"protocol":1,"request":"status"}\n')
time.sleep(60)
END
slow=$!
for _ in 1 2 3; do
    asked "somebody who does not read stops nobody else" "$status" 'len(lines)' 62
done
attach_qdisk 7 1000
reach "nor the work" "$(b_of qdisk/7/1000)/state" 2
kill "$slow"
if [ "$(id -u)" = 0 ]; then
    chmod 711 "$dir" "$dir/run"
    cp "$repo/test/lib/ask.py" "$dir/ask.py"
    as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 "$dir/ask.py" "$socket" "$status" 2>&1 | tail -n 1; }
    check "not for others" "$(as_nobody)" "PermissionError: [Errno 13] Permission denied"
    chmod 666 "$socket"
    check "not even with a wider mode" "$(as_nobody)" closed
else
    echo "SKIP: another user takes root"
fi

# ---- who has the place

asked "the first daemon answers" "$status" 'lines[0]["daemon"]["pid"]' "$xenrecon_pid"
"${xenrecon[@]}" run --dry-run --policies "$policies" --runtime-dir "$dir/run" >"$dir/dry.log" 2>&1 &
dry=$!
until grep -q ready "$dir/dry.log"; do sleep 0.02; done
asked "a dry run beside it does not take its place" "$status" 'lines[0]["daemon"]["pid"]' "$xenrecon_pid"
check "and says so" "$(grep -c 'nobody can ask' "$dir/dry.log")" 1
kill $dry
"${xenrecon[@]}" run --dry-run --policies "$policies" --runtime-dir "$dir/dry" >"$dir/dry.log" 2>&1 &
dry=$!
until grep -q ready "$dir/dry.log"; do sleep 0.02; done
socket=$dir/dry/control
asked "a dry run with a place of its own answers there" "$status" 'lines[0]["daemon"]["pid"], lines[0]["daemon"]["dry_run"]' "($dry, True)"
kill $dry
wait $dry || true
socket=$dir/run/control
kill_xenrecon
check "killed: nobody answers" "$(ask "$status" | tail -n 1)" "ConnectionRefusedError: [Errno 111] Connection refused"
start_xenrecon --policies "$policies"
asked "the next one answers" "$status" 'lines[0]["daemon"]["pid"]' "$xenrecon_pid"
stop_store
unconnected() { ask "$status" | grep -q '"connected":false'; }
becomes_true unconnected || true
asked "it answers without a store" "$status" 'lines[0]["daemon"]["store"]["connected"], lines[0]["daemon"]["store"]["losses"], len(lines)' "(False, 1, 63)"
check "nothing is wrong in the log" "$(grep -cE 'nobody can ask' "$dir/xenrecon.log" || true)" 0
