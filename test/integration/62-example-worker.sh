#!/bin/bash
# SPDX-License-Identifier: MIT
# The worker in xenrecon-worker(7), with the policy that stands beside it: both are taken out of the page.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
# shellcheck source=test/lib/pages.sh
. "$repo/test/lib/pages.sh"

chmod 711 "$dir" # the worker runs as nobody that we know
from_page xenrecon-worker.7 '#!/usr/bin/python3' >"$dir/vgreet.py"
chmod 755 "$dir/vgreet.py"
from_page xenrecon-worker.7 'version: 1' | sed "s|/usr/local/libexec/|$dir/|" >"$policies/vgreet.yaml"
check "the page has a worker and a policy" "$(grep -c 'def serve' "$dir/vgreet.py") $(grep -c "$dir/vgreet.py" \
    "$policies/vgreet.yaml")" "1 1"
b=$(b_of vgreet/7/0)
f=$(f_of vgreet/7/0)
record=$dir/run/workers/vgreet.7.0

# The worker's process, by its environment.
worker() {
    grep -lzxF "XENRECON_SOCKET=$dir/run/worker/socket" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 || true
}
# another_worker NAME PID: there is one, and not that
another_worker() {
    local end=$((SECONDS + AWAIT_MS / 1000)) now
    until now=$(worker) && [ -n "$now" ] && [ "$now" != "$2" ]; do
        [ $SECONDS -le $end ] || {
            fail "$1: still '$now'"
            return 0
        }
        sleep 0.02
    done
    pass "$1"
}

# ---- attach

start_xenrecon --policies "$policies"
check "no worker before there is a device" "$(worker)" ""
mark=$(trace_mark)
toolstack attach vgreet 7 0
reach "attach: InitWait, and greeted" "$b/state" 2 "$b/greeting" "hello, 7"
check "greeting and InitWait: one transaction" \
    "$(trace_since "$mark" "$xenrecon_connection" | grep -E '^(WRITE|TRANSACTION_END)' | grep -A 9 greeting |
        sed -E "s|$b/||; s/[0-9a-f]{16}/ID/")" "\
WRITE (greeting hello, 7)
WRITE (hotplug-status connected)
WRITE (xenrecon ID 2 -)
WRITE (state 2)
TRANSACTION_END (T )"
pid=$(worker)
check "one worker, as the guest's own user" "$(stat -c %u:%g "/proc/$pid")" 1900000007:1900000007
check "with nothing open but what it was given, and its socket" \
    "$(find "/proc/$pid/fd" -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')" "0 1 2 3 4 "
check "the state file is not for others" "$(stat -c %a "$record.state")" 600

# ---- connect

xenstore-write "$f/name" Bob "$f/state" 3
await_quiet 100
check "a name that is none: not connected" "$(state_of "$b")" 2
xenstore-write "$f/name" bob "$f/state" 3
reach "connected" "$b/state" 4
xenstore-write "$f/state" 4
logged "the worker was told of the frontend's keys" 0 '^xenrecon: vgreet/7/0: worker [0-9]*: bob is here$'
check "plan" "$(verdict vgreet/7/0)" "steady:"

# ---- the controller dies

await_quiet 100
before=$(xenstore-ls -f /)
said=$(log_mark)
kill_xenrecon
check "kill -9 of the controller: the worker goes on" "$(worker)" "$pid"
mark=$(trace_mark)
start_xenrecon --policies "$policies"
logged "it is found again" "$said" "vgreet/7/0: worker $pid found again"
logged "and comes back" "$said" "vgreet/7/0: adopt"
untouched "a restart writes nothing" "$mark"
check "nothing has changed" "$(worker) $(diff <(echo "$before") <(xenstore-ls -f /) || true)" "$pid "
check "nobody was greeted again" "$(grep -c 'bob is here' "$dir/xenrecon.log")" 1

# ---- the worker dies

mark=$(trace_mark)
said=$(log_mark)
kill -KILL "$pid"
another_worker "kill -9 of the worker: another" "$pid"
logged "says the log" "$said" 'vgreet/7/0: its worker ended by signal 9, SIGKILL|vgreet/7/0: its worker ended'
pid=$(worker)
await_quiet 300
check "Connected all the time" "$(state_of "$b")$(history "$mark" "$b")" 4
check "plan: all is well" "$(verdict vgreet/7/0)" "steady:"

# ---- detach

toolstack detach vgreet 7 0
reach "detach: Closing" "$b/state" 5
xenstore-write "$f/state" 6
reach "Closed" "$b/state" 6
toolstack remove vgreet 7 0
reach "removed" "$b" absent
await_quiet 300
check "nothing is left" "$(worker)$(find "$dir/run/workers" -type f)$(leftovers)" ""
check "no errors in the log" "$(grep -cE 'failed|cannot' "$dir/xenrecon.log" || true)" 0
