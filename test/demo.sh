#!/bin/bash
# SPDX-License-Identifier: MIT
# What xenrecon does, on a private xenstored and with players for the toolstack and the guests. Every step is checked:
# the first that does not hold ends the demo with status 1.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/lib/testlib.sh"
# shellcheck source=test/lib/block.sh
. "$repo/test/lib/block.sh"
set -o pipefail
cd "$dir"

heading() {
    printf '\n=== %s\n\n' "$1"
}

# must WHAT GOT WANT
must() {
    if [ "$2" != "$3" ]; then
        fail "$1: got '$2', want '$3'"
        exit 1
    fi
    echo "[ok: $1]"
}

# until_holds WHAT PATH VALUE [PATH VALUE]...
until_holds() {
    local what=$1
    shift
    if ! toolstack wait "$@" --timeout-ms "$AWAIT_MS"; then
        fail "$what"
        exit 1
    fi
    echo "[ok: $what]"
}

show() {
    echo "\$ $*"
    "$@"
}

xenrecon() {
    "${xenrecon[@]}" "$@"
}

# new_log TEXT: what xenrecon has logged since the last time, once it has logged this
logged=0
new_log() {
    local lines end=$((SECONDS + AWAIT_MS / 1000))
    until lines=$(tail -n +$((logged + 1)) xenrecon.log) && grep -qF "$1" <<<"$lines"; do
        if [ $SECONDS -gt $end ]; then
            fail "xenrecon has not logged: $1"
            exit 1
        fi
        sleep 0.01
    done
    echo "$lines"
    logged=$((logged + $(wc -l <<<"$lines")))
}

b=/local/domain/0/backend f=/local/domain/7/device

heading "Two policies: disks and keyboards are ours to serve"

mkdir policies
cat >policies/qdisk.yaml <<'END'
version: 1
type: qdisk
frontend: vbd                 # the guest's directory is device/vbd/<devid>
owner: xenrecon
backend-keys:
  params: {required: true, match: '^(raw|qcow2):/'}
  mode: {required: true, enum: [r, w]}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
  event-channel: {type: uint32, required: connect}
publish: {feature-flush-cache: 1}
hold: {closed: 300ms}         # the default leaves libxl more time to see Closed
END
cat >policies/vkbd.yaml <<'END'
version: 1
type: vkbd
owner: xenrecon
END
show head -n 20 policies/qdisk.yaml policies/vkbd.yaml
show xenrecon policy check --policies policies

heading "The toolstack attaches two disks and a keyboard to domain 7; no backend is there yet"

show toolstack attach qdisk 7 51712 params=raw:/srv/web.img mode=w
show toolstack attach qdisk 7 51728 params=raw:/srv/log.img mode=w
show toolstack attach vkbd 7 0
show xenstore-ls $b

heading "What would xenrecon do about them?"

before=$(xenstore-ls -fp /)
show xenrecon plan --policies policies
status=0
xenrecon plan --policies policies --detailed-exitcode >/dev/null || status=$?
must "with --detailed-exitcode the status says that there is something to do" "$status" 2
must "nothing was written" "$(xenstore-ls -fp /)" "$before"

heading "Then it may do so"

echo "\$ xenrecon run --policies policies &"
start_xenrecon --policies policies
until_holds "all three are in InitWait" $b/qdisk/7/51712/state 2 $b/qdisk/7/51728/state 2 $b/vkbd/7/0/state 2
new_log "ready: 3 devices"
show xenstore-ls $b/qdisk/7/51712
must "features came with the state" "$(xenstore-read $b/qdisk/7/51712/feature-flush-cache)" 1

heading "The guest boots: its drivers connect"

show frontend connect --once $f/vbd/51712 $f/vbd/51728 $f/vkbd/0
until_holds "all three are Connected at both ends" $b/qdisk/7/51712/state 4 $b/qdisk/7/51728/state 4 \
    $b/vkbd/7/0/state 4 $f/vbd/51712/state 4 $f/vbd/51728/state 4 $f/vkbd/0/state 4
new_log "vkbd/7/0: connect"

heading "The guest reloads a driver: the disk is closed, and cycles back to InitWait for the next connect"

mark=$(trace_mark)
show frontend reload --once $f/vbd/51712
until_holds "it is Connected again" $b/qdisk/7/51712/state 4 $f/vbd/51712/state 4
new_log "qdisk/7/51712: connect"
echo "the states as they were written, B for the backend and F for the frontend:"
states=$(trace_since "$mark" | sed -n "s|^WRITE ($b/qdisk/7/51712/state \(.\))|B=\1|p
    s|^WRITE ($f/vbd/51712/state \(.\))|F=\1|p" | uniq | paste -sd ' ')
echo "$states"
must "closed in good order by both ends, and connected again" "$states" "F=5 B=5 F=6 B=6 F=1 B=2 F=3 B=4 F=4"

heading "The toolstack detaches the other disk: closed, seen to be Closed, destroyed"

frontend connect $f/vbd/51728 & # the guest's driver, which follows the backend
show toolstack detach qdisk 7 51728
until_holds "its directory is gone" $b/qdisk/7/51728 absent
new_log "qdisk/7/51728: destroy"
show xenstore-ls $b
must "the others are as they were" "$(state_of $b/qdisk/7/51712) $(state_of $b/vkbd/7/0)" "4 4"

heading "A policy with a worker: xenrecon-blk serves a disk to domain 9, and outlives its crashes"

toolstack domain-create 0
start_domain 9 4096 grants
truncate -s 16M data.img
chmod 711 "$dir" # the worker is a user of its own
rights="" no_jail=""
case $jail in
whole) rights=$'\n  uid-base: 1900000000\n  drops-privileges: true' ;;
calls) echo "[in part of its jail, its filter of system calls: we may not become other users here]" ;;
none)
    no_jail=", --no-jail"
    echo "[WITHOUT ITS JAIL: this kernel has no filters of system calls]"
    ;;
esac
cat >policies/xdisk.yaml <<END
version: 1
type: xdisk
frontend: vbd
owner: xenrecon
backend-keys:
  params: {required: true, match: '^raw:/'}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
  event-channel: {type: uint32, required: connect}
worker:
  command: [$repo/build/xenrecon-blk, '--image=\${params}'$no_jail]
  environment: {LD_PRELOAD: $repo/build/test/rig/hypercall.so, RIG_DIR: $dir} # what is Xen here$rights
hold: {closed: 300ms}
END
show sed -n '/^worker/,/^hold/p' policies/xdisk.yaml
echo "\$ kill -HUP <xenrecon>"
kill -HUP $xenrecon_pid
new_log "policies reloaded"
show toolstack attach xdisk 9 51712 --frontend vbd "params=raw:$dir/data.img"
until_holds "the worker is ready, and has published what the disk is like" $b/xdisk/9/51712/state 2 $b/xdisk/9/51712/sectors 32768
new_log "xdisk/9/51712: publish"
if [ "$jail" != none ]; then
    worker=$(pgrep -f "xenrecon-blk --image=raw:$dir/data.img")
    show grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$worker/status"
    must "it is locked in" "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$worker/status")" 2
fi
echo "\$ blkfront 51712 verify &    # thousands of writes at random, all read again at the end"
as_domain 9 blkfront 51712 verify --count 20000 --span 16384 >verify.log 2>&1 &
guest=$!
until_holds "the guest's driver is connected" $b/xdisk/9/51712/state 4
echo "\$ kill -KILL <its worker>"
pkill -KILL -f "xenrecon-blk --image=raw:$dir/data.img"
new_log "the worker died"
status=0
wait $guest || status=$?
must "no write was lost, and the guest saw no error" "$status" 0
cat verify.log
show toolstack detach xdisk 9 51712
until_holds "its directory is gone" $b/xdisk/9/51712 absent
new_log "worker"
must "no worker is left" "$(pgrep -f "xenrecon-blk --image=raw:$dir/" || true)" ""

heading "Nothing is left to do, and an administrator may stop xenrecon at any time"

show xenrecon plan --policies policies --detailed-exitcode
mark=$(trace_mark)
await_quiet 200
must "nothing is written at rest" "$(trace_since "$mark" | grep -cE '^(WRITE|RM|MKDIR)' || true)" 0
echo "\$ kill -TERM <xenrecon>"
stop_xenrecon
new_log "SIGTERM"
must "the devices stay Connected" "$(state_of $b/qdisk/7/51712) $(state_of $b/vkbd/7/0)" "4 4"

if [ $failures = 0 ]; then
    printf '\nThe demo went as it should.\n'
fi
