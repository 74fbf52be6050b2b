#!/bin/bash
# SPDX-License-Identifier: MIT
# What xenrecon does while nothing happens: how often its threads run, and the processor time they use; with no resync,
# and with one every few seconds, whose own work is known.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
guests=$(either 5 100)
n=$((guests * 10))
seconds=$(either 5 30)
resync=$(either 2 10)
# switches: how often any of its threads began to wait
switches() { cat /proc/"$xenrecon_pid"/task/*/status | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'; }

# watch_idle VARIANT: ret_wakes and ret_cpu (microseconds)
watch_idle() {
    "$tools/activity" "$xenrecon_pid" 0 500 >/dev/null
    local wakes cpu
    wakes=$(switches)
    cpu=$(cpu_of "$xenrecon_pid")
    sleep "$seconds"
    ret_wakes=$(($(switches) - wakes))
    ret_cpu=$((($(cpu_of "$xenrecon_pid") - cpu) / 1000))
    sample "$1" $n $ret_wakes
}

"$tools/load" devices 1 "$guests" 0 10 4
serve
await_created $n
table "$n devices, $seconds s" "wake-ups" "processor time, us" "at most" ""
watch_idle "no resync"
row "no resync" $ret_wakes $ret_cpu "0 wake-ups" "$(demand "wake-ups in $seconds s, no resync" $ret_wakes "<=" 0)"
stop_xenrecon
start_xenrecon --policies "$policies" --resync "$resync"
watch_idle "resync"
per=$(calc "$ret_wakes * $resync / $seconds" 0)
row "a resync every $resync s" $ret_wakes $ret_cpu "($per a resync)" ""
