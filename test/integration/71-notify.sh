#!/bin/bash
# SPDX-License-Identifier: MIT
# What the service manager is told, as sd_notify(3) has it.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

listen() {
    local at
    exec {at}< <(exec "$repo/test/lib/notify.py" "$1" "$dir/heard")
    read -r -u $at _
    export NOTIFY_SOCKET=$1
}
heard() {
    sed 's/MONOTONIC_USEC=[0-9]*/MONOTONIC_USEC=N/' "$dir/heard" | grep -vx 'WATCHDOG=1' || true
}
# hears NAME TEXT: what has been heard, but for beats that say nothing else, is TEXT, or soon will be
hears() {
    local end=$((SECONDS + AWAIT_MS / 1000))
    until [ "$(heard)" = "$2" ] || [ $SECONDS -gt $end ]; do sleep 0.02; done
    check "$1" "$(heard)" "$2"
    : >"$dir/heard"
}
beats() { grep -c WATCHDOG=1 "$dir/heard" || true; }

policy_qdisk </dev/null
: >"$dir/heard"

# ---- ready, reload, stop

attach_qdisk 7 1
listen "$dir/notify"
start_xenrecon --policies "$policies"
hears "ready" "READY=1|STATUS=1 device, 0 workers"
attach_qdisk 7 2
await "$(b_of qdisk/7/2)/state" 2
kill -HUP "$xenrecon_pid"
hears "reload" "RELOADING=1|MONOTONIC_USEC=N|STATUS=2 devices, 0 workers
READY=1"
echo nonsense >"$policies/vif.yaml"
kill -HUP "$xenrecon_pid"
hears "reload: refused" "RELOADING=1|MONOTONIC_USEC=N
READY=1|STATUS=2 devices, 0 workers; new policies were refused, see the log"
rm "$policies/vif.yaml"
kill -HUP "$xenrecon_pid"
hears "reload: corrected" "RELOADING=1|MONOTONIC_USEC=N
READY=1|STATUS=2 devices, 0 workers"
stop_store
hears "the store goes" "STATUS=waiting for the store"
start_store
hears "the store comes back" "READY=1|STATUS=0 devices, 0 workers"
stop_xenrecon
hears "stopping" "STOPPING=1|STATUS=ending; devices and workers stay as they are"

# ---- beats

export WATCHDOG_USEC=100000 WATCHDOG_PID=1
start_xenrecon --policies "$policies"
hears "a watchdog for another process: ready" "READY=1|STATUS=0 devices, 0 workers"
check "a watchdog for another process: no beats" "$(beats)" 0
stop_xenrecon
unset WATCHDOG_PID
start_xenrecon --policies "$policies"
: >"$dir/heard"
end=$((SECONDS + AWAIT_MS / 1000))
until [ "$(beats)" -ge 5 ] || [ $SECONDS -gt $end ]; do sleep 0.02; done
check "a watchdog: beats" "$([ "$(beats)" -ge 5 ] && echo yes)" yes
kill -STOP "$xenrecon_pid"
until grep -q '^State:.*stopped' "/proc/$xenrecon_pid/status"; do sleep 0.01; done
: >"$dir/heard"
sleep 0.3
check "a watchdog: none while it is stopped" "$(beats)" 0
kill -CONT "$xenrecon_pid"
attach_qdisk 7 1
hears "a watchdog: a beat says how it stands, when that is new" "WATCHDOG=1|STATUS=1 device, 0 workers"
stop_xenrecon
unset WATCHDOG_USEC
: >"$dir/heard"

# ---- no store yet; an abstract name

stop_store
listen "@xenrecon-$$"
"${xenrecon[@]}" run --policies "$policies" --runtime-dir "$dir/run" >>"$dir/xenrecon.log" 2>&1 &
xenrecon_pid=$!
hears "without a store: ready all the same" "READY=1|STATUS=waiting for the store"
start_store
hears "without a store: when it comes" "READY=1|STATUS=0 devices, 0 workers"
stop_xenrecon

# ---- nobody there

export NOTIFY_SOCKET=$dir/nobody
start_xenrecon --policies "$policies"
check "nobody listens: says so, goes on" "$(grep -c "service manager cannot be reached at $dir/nobody" "$dir/xenrecon.log")" 1
