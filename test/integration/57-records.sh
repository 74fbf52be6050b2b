#!/bin/bash
# SPDX-License-Identifier: MIT
# Two workers of a device never run at once, whatever has become of the record of the one that does; and none is killed for
# what xenrecon did not read in time, having been stopped.
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

record=$dir/run/workers/vputs.7.0
b=$(b_of vputs/7/0)
workers() { pgrep -f "puppet.py $dir\$" | xargs; }

start_xenrecon --policies "$policies"
toolstack attach vputs 7 0
reach "a worker" "$b/state" 2
pid=$(workers)
for spoilt in "sed -i '1s/.*/xenrecon-worker 7/' $record" "rm $record" "echo >$record" "truncate -s 40 $record" \
    "echo 'size 1' >>$record"; do
    order vputs/7/0 <<'END'
insists = True
put("it goes on\n")
END
    logged "$spoilt: it would go on" 0 "worker $pid: it goes on"
    : >"$dir/xenrecon.log"
    kill_xenrecon
    eval "$spoilt"
    start_xenrecon --policies "$policies"
    logged "$spoilt: no other is started" 0 "vputs/7/0: its worker is not started: process $pid still has the state file"
    found=$("${xenrecon[@]}" plan --runtime-dir "$dir/run" vputs/7/0 2>/dev/null | grep -c "worker-died: the worker is not started: process $pid" || true)
    check "$spoilt: it is a finding" "$found" 1
    check "$spoilt: there is one worker" "$(workers)" "$pid"
    toolstack detach vputs 7 0
    reach "$spoilt: a detach is not held up" "$b/state" absent
    toolstack attach vputs 7 0
    logged "$spoilt: another attach is" 0 "vputs/7/0: its worker is not started: process $pid still has the state file"
    check "$spoilt: there still is one worker" "$(workers)" "$pid"
    kill -KILL "$pid"
    reach "$spoilt: when it has ended, another is started" "$b/state" 2
    logged "$spoilt: which is told" 0 "vputs/7/0: nobody has its state file any more"
    check "$spoilt: there is one" "$(workers | wc -w)" 1
    check "$spoilt: which has not failed" "$(told vputs/7/0 'w["failures"]')" 0
    pid=$(workers)
done

# ---- stopped, while a worker gets ready, and while one answers

stop_xenrecon
sed -i 's/^retry:.*/&\ndeadlines: {create: 3s, connect: 3s}/' "$policies/vputs.yaml"
start_xenrecon --policies "$policies"
mark=$(log_mark)
toolstack attach vputs 8 0
logged "a worker is started" "$mark" "vputs/8/0: worker [0-9]* started"
kill -STOP "$xenrecon_pid"
sleep 7
kill -CONT "$xenrecon_pid"
reach "it is not killed for what was not read" "$(b_of vputs/8/0)/state" 2
xenstore-write "$(f_of vputs/8/0)/state" 3
await "$(b_of vputs/8/0)/state" 4
check "and it is the same" "$(grep -c 'vputs/8/0: worker .* started' "$dir/xenrecon.log")" 1
check "nobody was killed" "$(grep -c ': killed' "$dir/xenrecon.log" || true)" 0
