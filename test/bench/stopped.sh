#!/bin/bash
# SPDX-License-Identifier: MIT
# A store that does not answer for 30 s, in the middle of a burst: what goes on meanwhile, and how soon all is done after.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
n=$(either 50 500)
seconds=$(either 3 30)
# A store that is killed while stopped has to go, too
trap 'status=$?; kill -CONT "$(store_pid)" 2>/dev/null || true; (exit $status) && finish || finish' EXIT

# burst DOMID: milliseconds, without a stop
burst() { "$tools/attach" burst "$1" 1 0 "$n" raw:/disk --await; }
serve
usual=$(burst 6 | cut -d ' ' -f 2)
sample usual "$n" "$usual"

burst 7 >"$dir/burst" &
writer=$!
until [ "$(grep -c 'qdisk/7/.*: create: ' "$dir/xenrecon.log")" -ge 5 ]; do
    sleep 0.005
done
kill -STOP "$(store_pid)"
memory=$(memory_of "$xenrecon_pid") cpu=$(cpu_of "$xenrecon_pid") begun=${EPOCHREALTIME/[.,]/}
cp "$policies/qdisk.yaml" "$dir/kept"
echo "version: 2" >"$policies/qdisk.yaml"
kill -HUP "$xenrecon_pid"
until grep -q 'not reloaded' "$dir/xenrecon.log" || [ $((${EPOCHREALTIME/[.,]/} - begun)) -gt 1000000 ]; do
    sleep 0.001
done
signal=$((${EPOCHREALTIME/[.,]/} - begun))
cp "$dir/kept" "$policies/qdisk.yaml"
sleep "$seconds"
cpu=$((($(cpu_of "$xenrecon_pid") - cpu) / 1000))
grown=$(($(memory_of "$xenrecon_pid") - memory))
kill -CONT "$(store_pid)"
begun=${EPOCHREALTIME/[.,]/}
wait $writer
after=$((${EPOCHREALTIME/[.,]/} - begun))
sample after "$n" $after

table "the store stops for $seconds s" value "at most" ""
row "a signal is answered after, ms" "$(calc $signal/1000 1)" 100 "$(demand "ms to answer a signal" "$(calc $signal/1000 1)" "<=" 100)"
row "processor time meanwhile, ms" "$(calc $cpu/1000 1)" 50 "$(demand "ms of processor time while the store is stopped" "$(calc $cpu/1000 1)" "<=" 50)"
row "memory grows by, KiB" $grown 256 "$(demand "KiB of growth while the store is stopped" $grown "<=" 256)"
row "all $n are InitWait after, ms (usually $(calc "$usual/1000" 1) from the beginning)" "$(calc $after/1000 1)" "" ""
row "that are InitWait" "$(grep -c '"2"' <(xenstore-ls -f $backends/qdisk/7 | grep '/state = '))" "$n" \
    "$(demand "devices that converged" "$(xenstore-ls -f $backends/qdisk/7 | grep -c '/state = "2"')" ">=" "$n")"
row "connections lost" "$(grep -c lost "$dir/xenrecon.log" || true)" 0 \
    "$(demand "connections lost" "$(grep -c lost "$dir/xenrecon.log" || true)" "<=" 0)"
