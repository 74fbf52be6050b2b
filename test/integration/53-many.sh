#!/bin/bash
# SPDX-License-Identifier: MIT
# 1000 devices of one guest are there when xenrecon starts: more names than one answer of the store has room for.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk </dev/null
n=1000
count() { xenstore-ls -f "$(b_of qdisk/7)" | grep -c "/state = \"$1\"" || true; }

toolstack burst qdisk 7 10000 $n params=raw:/disk.%d mode=w >"$dir/burst"
mark=$(trace_mark)
begun=$(now_ms)
start_xenrecon --policies "$policies"
created=$(($(now_ms) - begun))
check "the listing comes in parts" "$([ "$(trace_since "$mark" "$xenrecon_connection" | grep -c '^DIRECTORY_PART (.*backend/qdisk/7 ')" -ge 2 ] && echo yes)" yes
check "created: ready is said when all are" "$(grep -c ': create: ' "$dir/xenrecon.log")" $n
check "created: all are InitWait" "$(count 2)" $n
kill_xenrecon

said=$(log_mark)
mark=$(trace_mark)
begun=$(now_ms)
start_xenrecon --policies "$policies"
adopted=$(($(now_ms) - begun))
echo "figure: $n devices at a start: created in $created ms, adopted in $adopted ms (the store writes a trace)"
check "adopted: all of them" "$(log_since "$said" | grep -c ': adopt: ')" $n
untouched "adopted: without a write" "$mark"
check "adopted: one watch for all of them" "$(trace_since "$mark" "$xenrecon_connection" | grep -c '^WATCH (/local/domain/7/device')" 1
xenstore-write "$(f_of qdisk/7/10999)/ring-ref" 8 "$(f_of qdisk/7/10999)/event-channel" 9 "$(f_of qdisk/7/10999)/state" 3
reach "the last one connects" "$(b_of qdisk/7/10999)/state" 4
