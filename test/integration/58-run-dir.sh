#!/bin/bash
# SPDX-License-Identifier: MIT
# The run directory, or what is in it, is removed while xenrecon runs, or has no room left: it is made again, what cannot be
# done is said, and workers that live go on.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: workers have users of their own"
    exit 0
fi
# shellcheck source=test/lib/puppet.sh
. "$repo/test/lib/puppet.sh"

run=$dir/run
b=$(b_of vputs/7/0)
there() { [ -S "$run/control" ] && [ -S "$run/worker/socket" ] && [ -s "$run/workers/vputs.7.0" ] && [ -d "$run/formats" ]; }

# goes_on NAME: the first worker still does what it is told, and is the one that was started
goes_on() {
    local said=again$number
    order vputs/7/0 <<<"put('$said\n')"
    until_told vputs/7/0 'w["output"][-1]' "$said"
    check "$1: the worker goes on" "$(told vputs/7/0 'w["pid"]')" "$pid"
}

sed -i 's/^retry:.*/retry: {initial: 50ms, max: 100ms}/' "$policies/vputs.yaml"
start_xenrecon --policies "$policies"
toolstack attach vputs 7 0
reach "a worker" "$b/state" 2
pid=$(told vputs/7/0 'w["pid"]')
domid=10
for removed in "rm $run/workers/vputs.7.0" "rm -r $run/workers" "rm $run/worker/socket" "rm -r $run/worker" "rm $run/control" \
    "rm -r $run/formats" \
    "find $run -mindepth 1 -delete" "rm -r $run" "mv $run $run.away"; do
    mark=$(log_mark)
    eval "$removed"
    if becomes_true there; then
        pass "$removed: made again"
    else
        fail "$removed: made again: $(find "$run")"
    fi
    logged "$removed: it is said" "$mark" "^xenrecon: somebody removed .*$run.* made again"
    check "$removed: as it was" "$(cd "$run" && stat -c '%n %a' . worker worker/socket workers workers/vputs.7.0 control formats | xargs)" \
        ". 711 worker 711 worker/socket 666 workers 700 workers/vputs.7.0 600 control 600 formats 711"
    goes_on "$removed"
    toolstack attach vputs $((++domid)) 0
    reach "$removed: another can be started" "$(b_of "vputs/$domid/0")/state" 2
done
check "nobody was killed or started again" "$(grep -cE 'killed|its worker (ended|exited)' "$dir/xenrecon.log" || true)" 0
mark=$(log_mark)
kill_xenrecon
start_xenrecon --policies "$policies"
logged "after a restart it is found again" "$mark" "vputs/7/0: worker $pid found again"
await_quiet 100
check "and connects" "$(told vputs/7/0 'w["pid"], w["state"]')" "($pid, 'ready')"

# ---- at rest nobody looks

await_quiet 300
mark=$(log_mark)
strace -f -o "$dir/strace" -e trace=%file -p "$xenrecon_pid" 2>"$dir/strace.log" &
strace=$!
becomes_true grep -q attached "$dir/strace.log"
touch "$run/workers/vputs.9.9.new" # what is not ours to miss
rm "$run/workers/vputs.9.9.new"
await_quiet 300
check "nothing is made again for what nobody misses" "$(log_since "$mark")" ""
check "nobody even looks" "$(grep -F "$run" "$dir/strace" || true)" ""
rm "$run/control"
becomes_true there || true
check "strace would have seen it" "$(grep -qF "$run" "$dir/strace" && echo yes)" yes
kill $strace
wait $strace || true

# ---- no room

stop_xenrecon
pkill -KILL -f "puppet.py $dir\$" || true
rm -r "$run"
mkdir "$run"
if ! mount -t tmpfs -o size=64k,mode=711 tmpfs "$run" 2>/dev/null; then
    echo "no file system can be mounted here: what is full is not tried"
    exit 0
fi
trap 'umount -l "$run"; finish' EXIT
start_xenrecon --policies "$policies"
reach "a worker, in a small file system" "$b/state" 2
becomes_true [ -S "$run/worker/socket" ]
until_told vputs/7/0 'w["state"]' ready
pid=$(told vputs/7/0 'w["pid"]')
mark=$(log_mark)
dd if=/dev/zero of="$run/fill" bs=4k 2>/dev/null || true
toolstack attach vputs 9 0
logged "what has no room is said" "$mark" \
    "vputs/9/0: worker-died: the worker cannot be run: its (state file|record|pipe that it prints to), in $run/workers: No space left on device"
goes_on "no room"
rm "$run/fill"
reach "with room it is started" "$(b_of vputs/9/0)/state" 2

# ---- what a worker needs is not there

mark=$(log_mark)
sed -i "s|$dir/puppet.py, |$dir/none.py, |" "$policies/vputs.yaml"
kill -HUP "$xenrecon_pid"
logged "reloaded" "$mark" "policies reloaded"
toolstack attach vputs 10 1
logged "a program that is not there is named" "$mark" "vputs/10/1: .*cannot be run: $dir/none.py: No such file or directory"
