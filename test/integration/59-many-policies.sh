#!/bin/bash
# SPDX-License-Identifier: MIT
# Policies by the ten thousand: reading eight times as many takes eight times as long, not sixty-four times.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

# make_policies N: in a folder of their own, in another order than their types
make_policies() {
    local i
    mkdir "$dir/many-$1"
    for ((i = 0; i < $1; i++)); do
        printf 'version: 1\ntype: t%05d\nowner: external\n' $((i * 7919 % $1)) >"$dir/many-$1/p$i.yaml"
    done
}
# cpu N: milliseconds of processor that it takes to read them, the least of three times
cpu() {
    local i took least=
    for i in 1 2 3; do
        took=$(TIMEFORMAT=%U && { time "${xenrecon[@]}" policy show --policies "$dir/many-$1" >"$dir/shown"; } 2>&1)
        took=$((10#${took/./}))
        [ -n "$least" ] && [ "$least" -le $took ] || least=$took
    done
    echo "$least"
}
make_policies 4000
make_policies 32000
few=$(cpu 4000)
many=$(cpu 32000)
check "all are there" "$(grep -c ^type: "$dir/shown")" 32000
check "eight times as many: $few and $many ms" "$((many <= 12 * (few > 20 ? few : 20)))" 1

policy_qdisk </dev/null
start_xenrecon --policies "$policies" --policies "$dir/many-32000"
attach_qdisk 7 1
reach "a device among them" "$(b_of qdisk/7/1)/state" 2
said=$(log_mark)
kill -HUP $xenrecon_pid
logged "reloaded" "$said" 'policies reloaded: 32001 types'
xenstore-write "$(f_of qdisk/7/1)/ring-ref" 8 "$(f_of qdisk/7/1)/event-channel" 9 "$(f_of qdisk/7/1)/state" 3
reach "and served on" "$(b_of qdisk/7/1)/state" 4
