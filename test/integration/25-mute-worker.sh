#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker that gets ready and never answers `connect`: from the deadline on that is found, by all who look, over all the
# workers that are tried, ever more rarely; until one answers, which is said.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: workers have users of their own"
    exit 0
fi
chmod 711 "$dir"
cat >"$dir/mute.py" <<'END'
#!/usr/bin/python3
import os, socket, sys
device, speak = os.environ["XENRECON_DEVICE"], sys.argv[1] + "/speak"
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["XENRECON_SOCKET"])
s.sendall(f"hello 1 {device} {os.read(3, 64).decode().strip()}\n".encode())
while words := s.recv(9000).decode().split():
    if "stop" in words:
        break
    if "welcome" in words:
        s.sendall(b"ready\n")
    if "connect" in words and os.path.exists(speak):
        s.sendall(f"connected {words[words.index('connect') + 1]}\n".encode())
END
chmod 755 "$dir/mute.py"
policy vmute <<END
owner: xenrecon
worker: {command: [$dir/mute.py, $dir], uid-base: 1900000000}
retry: {initial: 100ms, max: 60s}
deadlines: {create: 60s, connect: 700ms, close: 60s}
END
b=$(b_of vmute/7/0)
f=$(f_of vmute/7/0)
log=$dir/xenrecon.log
times_logged() { grep -cE "$1" "$log" || true; }
tried() { [ "$(times_logged 'vmute/7/0: worker [0-9]+ started')" -ge "$1" ]; }
# told EXPRESSION: in Python, of the device `d`, what `status` has
told() {
    "${xenrecon[@]}" status --runtime-dir "$dir/run" --format json vmute/7/0 | python3 -c '
import json, sys
d = json.load(sys.stdin)["devices"][0]
print(eval(sys.argv[1]))' "$1"
}
judged() { # plan's exit status
    local status=0
    "${xenrecon[@]}" plan --runtime-dir "$dir/run" --detailed-exitcode vmute/7/0 >"$dir/plan" || status=$?
    echo $status
}

start_xenrecon --policies "$policies"
toolstack attach vmute 7 0
await "$b/state" 2
xenstore-write "$f/state" 3
logged "found when its deadline is over" 0 'vmute/7/0: stuck-connect: the guest is ready, but its backend is still InitWait: .*, for more than 0.7 s'
since=$(told 'd["findings_since"].get("stuck-connect")')
looks=0
silent=
least=0
until tried 7; do
    looks=$((looks + 1))
    read -r found deaths < <(told '"stuck-connect" in d["findings"], d["worker"]["failures"]' | tr -d '(,)')
    [ "$found" = True ] || silent+=" $looks"
    [ "$deaths" -ge "$least" ] || silent+=" $deaths-after-$least"
    least=$deaths
    [ "$(judged) $(grep -c "stuck-connect" "$dir/plan")" = "2 1" ] || silent+=" plan-$looks"
    [ "$looks" -lt 500 ] || break
done
check "at each of $looks looks it was found, and its failures counted up" "$silent" ""
check "they were counted" "$([ "$least" -ge 5 ] && echo yes || echo "$least")" yes
check "since the same time" "$(told 'd["findings_since"]["stuck-connect"][:18]')" "${since:0:18}"
check "nothing is told to have cleared" "$(times_logged cleared:)" 0
# shellcheck disable=SC2016  # it is no command
mapfile -t pauses < <(sed -nE 's/.*vmute.*did not answer `connect` within 0.7 s; it may be started again in ([0-9]+) ms/\1/p' "$log")
check "each is killed for it" "$([ "${#pauses[@]}" -ge 6 ] && echo yes || echo "${#pauses[@]}")" yes
check "and tried again ever more rarely" "$([ "${pauses[5]}" -gt $((pauses[0] * 10)) ] && echo yes || echo "${pauses[*]}")" yes
check "nothing was written for the guest" "$(state_of "$b")" 2

touch "$dir/speak"
reach "one that answers: Connected" "$b/state" 4
xenstore-write "$f/state" 4
logged "the end is said" 0 'vmute/7/0: cleared: stuck-connect'
logged "of its deaths, too" 0 'vmute/7/0: cleared: worker-died'
check "failures are forgotten" "$(told 'd["worker"]["failures"], d["findings"], d["wanted_since"]')" "(0, [], None)"
await_quiet 300
check "plan has nothing to say" "$(judged)" 0
