#!/bin/bash
# SPDX-License-Identifier: MIT
# `xenrecon status`: what the daemon holds, for people on all kinds of terminals and for programs; and what is said when
# it cannot be asked.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
unset NO_COLOR COLUMNS LINES
export XENRECON_RUNTIME_DIR=$dir/run TERM=xterm

status() { "${xenrecon[@]}" status "$@"; }
valid() {
    check "$1: as the schema says" "$("$repo/test/lib/validate.py" "$repo/schemas/status.schema.json" - <"$dir/json" 2>&1)" ""
}
# of EXPRESSION: in Python, of `s`, what is in $dir/json; d is its first device
of() {
    python3 -c '
import json, sys
s = json.load(open(sys.argv[1]))
d = s["devices"][0] if s["devices"] else None
print(eval(sys.argv[2]))' "$dir/json" "$1"
}
# refused NAME WANT ARGUMENT...: with status 1
refused() {
    local name=$1 want=$2 status=0
    shift 2
    status "$@" >"$dir/out" 2>&1 || status=$?
    check "$name: refused" "$status" 1
    check "$name: says what, why, and what to do" "$(cat "$dir/out")" "$want"
}
# on_terminal WIDTH COMMAND...: as it prints on one
on_terminal() {
    "$repo/test/lib/on_terminal.py" "$@" | sed 's/\r$//'
}

# ---- nobody is there

refused "no daemon" "xenrecon: no daemon runs here: there is no $dir/run/control
xenrecon: start one with \`xenrecon run\`, or say where its run directory is: --runtime-dir"
refused "a bad name" 'xenrecon: "qdisk/7/" names no device: it should be TYPE/DOMAIN/DEVID, such as qdisk/7/51712 or vif/web/0' qdisk/7/

# ---- the daemon and its devices

policy_qdisk </dev/null
policy vgreet <<'END'
owner: xenrecon
worker: {command: [/bin/sh, -c, 'echo no; exit 3']}
retry: {initial: 300s, max: 600s}
deadlines: {create: 1s}
END
attach_qdisk 7 51712
attach_qdisk 7 51728
toolstack attach vgreet 8 0
start_xenrecon --policies "$policies"
logged "a worker that dies" 0 'worker-died'
logged "and its device is overdue" 0 'vgreet/8/0: stuck-create'
play qdisk/7/51712 connect
await "$(b_of qdisk/7/51712)/state" 4
await_quiet 100
status --format json >"$dir/json"
valid "devices"
check "of the daemon" "$(of 's["daemon"]["pid"], s["daemon"]["domid"], s["daemon"]["devices"], s["daemon"]["store"]["connected"], s["daemon"]["queue"]["queued"], [p["type"] for p in s["daemon"]["policies"]]')" \
    "($xenrecon_pid, 0, 3, True, 0, ['qdisk', 'vgreet'])"
check "of a disk" "$(of 'd["device"], d["owner"], d["phase"], d["row"], d["backend_state"], d["frontend_state"], d["online"], d["retries"], d["error"], d["worker"]')" \
    "('qdisk/7/51712', 'xenrecon', 'connected', 'steady', 'Connected', 'Connected', True, 0, None, None)"
check "of a worker" "$(of 's["devices"][2]["phase"], s["devices"][2]["row"], {**s["devices"][2]["worker"], "restart_seconds": 100 < s["devices"][2]["worker"]["restart_seconds"] <= 375}')" \
    "('dead', 'respawn', {'pid': None, 'state': 'dead', 'failures': 1, 'said': 'exited with status 3; it printed last: no', 'output': ['no'], 'restart_seconds': True})"
check "ages" "$(of 'all(0 <= x["row_seconds"] < 60 and 0 <= x["phase_seconds"] < 60 for x in s["devices"]), 0 <= s["daemon"]["up_seconds"] < 60, 0 <= s["daemon"]["resync"]["age_seconds"] < 60, 200 < s["daemon"]["resync"]["next_seconds"] < 400')" \
    "(True, True, True, True)"
status --format json qdisk/7/51728 >"$dir/json"
valid "one device"
check "one device" "$(of '[d["device"] for d in s["devices"]]')" "['qdisk/7/51728']"
ages() { sed -E 's/  [0-9.]+s /  AGE /; s/\b(in|for) [0-9.]+[ms][0-9ms]*/\1 AGE/g; s/  +/  /g'; }
check "text, the sickest first" "$(status | sed -n '6,$p' | ages)" "devices  3: 1 failed, 1 pending, 1 ok; 0 workers

HEALTH  DEVICE  DOMAIN  SINCE  PHASE  BACKEND  FRONTEND  ONLINE  WORKER  RETRIES
failed  vgreet/8/0  8  AGE  dead  Initialising  Initialising  yes  dead  -
  ! stuck-create for AGE, worker-died for AGE
  ! its worker: exited with status 3; it printed last: no; 1 failure, started again in AGE
  | no
pending  qdisk/7/51728  7  AGE  ready  InitWait  Initialising  yes  -  -
ok  qdisk/7/51712  7  AGE  connected  Connected  Connected  yes  -  -"
xenstore-write /local/domain/7/name web
check "guests by their names" "$(status qdisk/web | sed -n '9,$p' | ages | cut -d ' ' -f 1-6)" "pending  qdisk/7/51728  web (7)
ok  qdisk/7/51712  web (7)"
check "rows where they are asked for" "$(status --format wide vgreet/8/0 | sed -n '8,9p' | ages | xargs)" \
    "$(status vgreet/8/0 | sed -n '8,9p' | sed 's/PHASE /PHASE ROW /; s/ dead  / dead respawn /' | ages | xargs)"
check "columns are aligned" "$(status | sed -n '8p;9p;13p;14p' | sed -E 's/^(.{25}).*/\1/')" "HEALTH   DEVICE         D
failed   vgreet/8/0     8
pending  qdisk/7/51728  w
ok       qdisk/7/51712  w"
refused "an unknown device" "xenrecon: qdisk/7/1: the daemon knows no such device
xenrecon: \`xenrecon status\` lists those that it knows; \`xenrecon plan\` those in the store" qdisk/7/1

# ---- terminals

escapes() { grep -c $'\033' || true; }
check "no colours in a file" "$(status | escapes)" 0
check "--color always" "$(status --color always | grep -c $'\033\[31mdead')" 1
check "colours on a terminal" "$(on_terminal 120 "${xenrecon[@]}" status | grep -c $'\033\[31mdead')" 1
check "not with NO_COLOR" "$(NO_COLOR=1 on_terminal 120 "${xenrecon[@]}" status | escapes)" 0
check "not on a dumb one" "$(TERM=dumb on_terminal 120 "${xenrecon[@]}" status | escapes)" 0
check "nor with --color never" "$(on_terminal 120 "${xenrecon[@]}" status --color never | escapes)" 0
widest() { sed 's/\x1b\[[0-9]*m//g' | sed -n '8,$p' | wc -L; }
for width in 120 80 60 40 30; do
    check "fits $width columns" "$(($(on_terminal "$width" "${xenrecon[@]}" status | widest) <= width))" 1
done
check "COLUMNS counts more" "$(($(COLUMNS=30 on_terminal 120 "${xenrecon[@]}" status | widest) <= 30))" 1
check "what matters is left" "$(COLUMNS=40 status | sed -n 8p | xargs)" "HEALTH DEVICE DOMAIN SINCE"
check "on a file all is shown" "$(status | sed -n 8p | wc -w)" 10

# ---- again and again

# watched PATTERN N ARGUMENT...: what `status --watch` prints until there are so many lines of the kind, in $dir/watched
watched() {
    local pattern=$1 n=$2 watcher
    shift 2
    : >"$dir/watched"
    "$@" >"$dir/watched" &
    watcher=$!
    enough() { [ "$(grep -c "$pattern" "$dir/watched")" -ge "$n" ]; }
    becomes_true enough || true
    kill $watcher
    wait $watcher || true
}
watched '}$' 2 "${xenrecon[@]}" status --watch=1 --format json
while read -r line; do
    echo "$line" >"$dir/json"
    valid "--watch"
done <"$dir/watched"
check "--watch shows it again" "$(($(wc -l <"$dir/watched") >= 2))" 1
LINES=10 COLUMNS=60 watched '^\.\.\.' 2 "${xenrecon[@]}" status --watch=1
check "no more lines than fit" "$(($(grep -c '^\.\.\.' "$dir/watched") >= 2)) $(sed '/^\.\.\./,$d' "$dir/watched" | wc -l)" "1 9"
watched $'^\033\\[H\033\\[2J' 1 "$repo/test/lib/on_terminal.py" 60 "${xenrecon[@]}" status --watch=3600
check "on a terminal it is redrawn" "$(grep -c $'^\033\[H\033\[2J' "$dir/watched")" 1
check "--watch wants seconds" "$(status --watch=0 2>&1 | head -n 1)" 'xenrecon: --watch wants seconds, 1 to 3600, not "0"'

# ---- when something is wrong

kill -STOP "$xenrecon_pid"
{ status >"$dir/stopped" 2>&1 || true; } &
waits=$!
if [ "$(id -u)" = 0 ]; then
    cp "${xenrecon[-1]}" "$dir/program"
    chmod 755 "$dir" "$dir/program"
    check "another user" "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/program" status 2>&1 || true)" \
        "xenrecon: only root may ask the daemon: $dir/run/control: Permission denied
xenrecon: run this as root"
fi
wait $waits
check "a daemon that is stopped" "$(cat "$dir/stopped")" "xenrecon: the daemon at $dir/run/control does not answer within 10 s: is it stopped?"
kill -CONT "$xenrecon_pid"
kill_xenrecon
refused "a daemon that was killed" "xenrecon: no daemon runs any more: nobody answers at $dir/run/control
xenrecon: start it with \`xenrecon run\`, and look in its log why it ended"
python3 - "$dir/run/control" <<'END' &
import os, socket, sys
os.unlink(sys.argv[1])
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
open(sys.argv[1] + ".ready", "w").close()
for answer in [b'{"error":{"code":"protocol","message":"this is xenrecon 9.9, which speaks protocol 9"}}\n', b"nonsense\n", b""]:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(answer)
    c.close()
END
until [ -e "$dir/run/control.ready" ]; do sleep 0.02; done
refused "another version" "xenrecon: this is xenrecon 9.9, which speaks protocol 9
xenrecon: but this is $("${xenrecon[@]}" --version): use the one that was installed with the daemon, or restart it"
refused "one that speaks otherwise" "xenrecon: the daemon at $dir/run/control does not speak as it should: is it another version?"
refused "one that hangs up" "xenrecon: the daemon at $dir/run/control hung up: it was ended, or too many ask it at once"
