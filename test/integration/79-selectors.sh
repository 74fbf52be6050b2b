#!/bin/bash
# SPDX-License-Identifier: MIT
# DEVICE arguments: names of domains and disks, patterns, paths of the store, in every command that takes one.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

policy_qdisk </dev/null
echo 'owner: kernel' | policy vif
attach_qdisk 7 51712
attach_qdisk 7 51728
attach_qdisk 9 51712
toolstack attach vif 7 0 -- attach vif 9 0
xenstore-write /local/domain/7/name db-primary /local/domain/9/name web "$(b_of qdisk/7/51728)/dev" sdq
start_xenrecon --policies "$policies"
await_quiet 100
xenstore-ls -fp >"$dir/dump"

# listed COMMAND...: what devices its JSON is about, or what it says
listed() {
    "${xenrecon[@]}" "$@" --format json 2>&1 >"$dir/json" | sed 's/^xenrecon: //' | grep -v 'as the running daemon decides' ||
        python3 -c 'import json, sys; print(*sorted(d["device"] for d in json.load(open(sys.argv[1]))["devices"]))' "$dir/json"
}
# selects WHAT WANT SELECTOR...: in each command that lists
selects() {
    local name=$1 want=$2 command
    shift 2
    for command in "plan" "plan --dump $dir/dump" "status"; do
        # shellcheck disable=SC2086 # words
        check "$command: $name" "$(listed $command "$@")" "$want"
    done
}
selects "a domain by its name" "qdisk/7/51712 qdisk/7/51728 vif/7/0" db-primary
selects "a domain by its number" "qdisk/9/51712 vif/9/0" 9
selects "a type" "vif/7/0 vif/9/0" vif
selects "a type of a domain" "qdisk/7/51712 qdisk/7/51728" qdisk/db-primary
selects "a disk by what libxl's numbers say" "qdisk/7/51712" qdisk/db-primary/xvda
selects "a disk by its key" "qdisk/7/51728" qdisk/7/sdq
selects "patterns" "qdisk/7/51712 qdisk/9/51712" 'q*/*/5171?'
selects "a pattern of a name" "qdisk/7/51712" 'qdisk/db-*/xvda'
selects "several, each device once" "qdisk/7/51712 qdisk/9/51712 vif/9/0" web qdisk/9/51712 qdisk/7/xvda
selects "a path below the backend's directory" "qdisk/7/51712" "$(b_of qdisk/7/51712)/state"
selects "a path above" "vif/7/0 vif/9/0" /local/domain/0/backend/vif
selects "the frontend's path" "vif/9/0" "$(f_of vif/9/0)/mac"
selects "exactly, as ever" "qdisk/7/51728" qdisk/7/51728

ageless() { sed -E 's/, for [0-9.a-z]+$//'; }
check "explain takes a name" "$("${xenrecon[@]}" explain --quiet qdisk/web/xvda | ageless)" \
    "$("${xenrecon[@]}" explain --quiet qdisk/9/51712 | ageless)"
check "explain --domain tells of all that a guest has, the sickest first" \
    "$("${xenrecon[@]}" explain --quiet --domain db-primary --dump "$dir/dump" --policies "$policies" | grep -oE '^(3 devices|[a-z]+/7/[0-9]+ of db-primary \(7\) is [a-z]+)')" \
    "3 devices
vif/7/0 of db-primary (7) is degraded
qdisk/7/51712 of db-primary (7) is pending
qdisk/7/51728 of db-primary (7) is pending"
check "and by its number, live" "$("${xenrecon[@]}" explain --quiet --domain 9 | grep -cE '^[a-z]+/9/[0-9]+ of web \(9\) is ')" 2
check "of a guest that there is not" "$("${xenrecon[@]}" explain --quiet --domain wbe 2>&1 >/dev/null | head -n 1)" \
    "xenrecon: */wbe: there is no such device in the store"
check "a device beside it" "$("${xenrecon[@]}" explain --domain 9 vif/9/0 2>&1 | head -n 1)" \
    "xenrecon: --domain wants neither a DEVICE nor --export"
check "history takes a name" "$("${xenrecon[@]}" history qdisk/web/xvda | head -n 1)" "$("${xenrecon[@]}" history qdisk/9/51712 | head -n 1)"

# refused NAME WANT COMMAND...
refused() {
    local name=$1 want=$2 status=0
    shift 2
    "${xenrecon[@]}" "$@" >/dev/null 2>"$dir/err" || status=$?
    check "$name: the status" "$status" 1
    check "$name: what is said" "$(cat "$dir/err")" "$want"
}
refused "a name that is nearly right" "xenrecon: db-primray: there is no such device in the store
xenrecon: did you mean db-primary?" plan --quiet db-primray
refused "a device that is nearly right" "xenrecon: qdisk/db-primary/51713x: there is no such device in the daemon's list
xenrecon: did you mean qdisk/db-primary/51712?" status qdisk/db-primary/51713x
refused "nothing like it" "xenrecon: mail-gateway: there is no such device in the dump
xenrecon: without a name, \`plan\` lists those that there are" plan --dump "$dir/dump" mail-gateway
refused "several where one is wanted" "xenrecon: web: 2 devices are called so, and one is wanted: qdisk/9/51712, vif/9/0" explain --quiet web
refused "several for history" "xenrecon: vif: 2 devices are called so, and one is wanted: vif/7/0, vif/9/0" history vif
