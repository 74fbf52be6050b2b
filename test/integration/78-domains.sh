#!/bin/bash
# SPDX-License-Identifier: MIT
# `plan --domain`: backends in other domains, as dom0 sees them and a driver domain does not.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

policy_qdisk </dev/null
echo 'owner: kernel' | policy vif
start_domain 5
attach_qdisk 7 51712
attach_qdisk 7 51728 --backend-domain 5
attach_qdisk 9 51712 --backend-domain 5
toolstack attach vif 7 0 --backend-domain 5 -- attach strange 7 0 --backend-domain 5
xenstore-rm /local/domain/5/backend/qdisk/9/51712
xenstore-write "$(f_of qdisk/9/51712)/state" 4

plan() { "${xenrecon[@]}" plan --policies "$policies" "$@"; }
# of EXPRESSION ARGUMENT...: in Python, of `r`, the report
of() {
    plan --format json "${@:2}" | python3 -c '
import json, sys
r = json.load(sys.stdin)
r["devices"].sort(key=lambda d: (d["device"], d["backend_domid"]))
devices = [(d["backend_domid"], d["device"]) for d in r["devices"]]
found = [f["code"] for f in r["findings"]]
print(eval(sys.argv[1]))' "$1"
}
mark=$(trace_mark)
check "our own, unless it is said" "$(of 'r["domid"], devices, found')" "(0, [(0, 'qdisk/7/51712')], [])"
check "another domain's" "$(of 'r["domid"], devices, found' --domain 5)" \
    "(5, [(5, 'qdisk/7/51728'), (5, 'vif/7/0')], ['no-policy', 'leak', 'dangling-frontend'])"
check "all" "$(of 'r["domid"], devices' --domain all)" "(0, [(0, 'qdisk/7/51712'), (5, 'qdisk/7/51728'), (5, 'vif/7/0')])"
check "ourselves, by our number" "$(plan --domain 0)" "$(plan)"
xenstore-ls -fp >"$dir/dump"
not_origin() { plan --format json "$@" | grep -vE '^  "(source|generated)":'; }
check "all, as in a dump" "$(not_origin --domain all)" "$(not_origin --dump "$dir/dump")"
check "a dump shows all, whether that is said or not" "$(plan --dump "$dir/dump" --domain all)" "$(plan --dump "$dir/dump")"
check "a device by its name, wherever it is" "$(of devices --domain all qdisk/7/51728)" "[(5, 'qdisk/7/51728')]"
check "a device by its name, there" "$(of devices --domain 5 vif/7/0)" "[(5, 'vif/7/0')]"
check "nothing was written" "$(trace_since "$mark" | grep -E '^(WRITE|RM|MKDIR|SET_PERMS) ' || true)" ""

# ---- what is said when it cannot be

# refused NAME STATUS WANT ARGUMENT...
refused() {
    local name=$1 want=$3 status=0
    plan "${@:4}" >"$dir/out" 2>&1 || status=$?
    check "$name: refused" "$status" "$2"
    check "$name: what, why, and what to do" "$(cat "$dir/out")" "$want"
}
refused "no such domain" 1 "xenrecon: there is no domain 44: \`xl list\` shows those that there are" --domain 44
refused "no such device there" 1 \
    "xenrecon: qdisk/7/51712: there is no such device: /local/domain/5/backend/qdisk/7/51712 is not there
xenrecon: \`xenrecon plan\` lists those that there are" --domain 5 qdisk/7/51712
refused "no such device anywhere" 1 "xenrecon: qdisk/1/1: there is no such device in any domain
xenrecon: without a name, \`plan\` lists those that there are" --domain all qdisk/1/1
refused "no number" 64 "xenrecon: --domain is a domain's number, or all, not \"dom5\"
xenrecon: see \`xenrecon plan --help\`" --domain dom5
refused "a dump has no single domain" 64 "xenrecon: a dump is looked at as a whole: --domain does not go with --dump
xenrecon: see \`xenrecon plan --help\`" --domain 5 --dump "$dir/dump"
as_domain 5 refused "a driver domain, of another" 1 "xenrecon: cannot list /local/domain/7: Permission denied
xenrecon: only dom0 sees the devices of other domains: ask there, or without --domain" --domain 7
as_domain 5 refused "a driver domain, of all" 1 "xenrecon: cannot list /local/domain: Permission denied
xenrecon: only dom0 sees the devices of other domains: ask there, or without --domain" --domain all
check "a driver domain, of itself" "$(as_domain 5 of devices --domain 5)" "[(5, 'qdisk/7/51728'), (5, 'vif/7/0')]"

# ---- beside a daemon

start_xenrecon --policies "$policies"
await "$(b_of qdisk/7/51712)/state" 2
plan() { "${xenrecon[@]}" plan "$@"; }
rows='{d["device"]: d["row"] for d in r["devices"]}'
xenstore-write "$(f_of qdisk/7/51712)/state" 6
toolstack attach vif 7 1
await_quiet 100
check "what the daemon remembers is of our own devices only" "$(of "$rows" --domain all 2>"$dir/said")" \
    "{'qdisk/7/51712': 'steady', 'qdisk/7/51728': 'create', 'vif/7/0': 'steady', 'vif/7/1': 'steady'}"
check "and it is said" "$(cat "$dir/said")" \
    "xenrecon: with the policies of the running daemon, process $xenrecon_pid; of other domains' devices it knows nothing"
check "not with --quiet" "$(plan --quiet --domain all 2>&1 >/dev/null)" ""
# the same name in two domains: the daemon's device, and one that it has never seen
toolstack attach vif 7 9 -- attach vif 7 9 --backend-domain 5
for domid in 0 5; do
    xenstore-write /local/domain/$domid/backend/vif/7/9/state 5 /local/domain/$domid/backend/vif/7/9/online 0
done
xenstore-write "$(f_of vif/7/9)/state" 4
await_quiet 100
check "nor of a namesake: a moment here, for all that is known for ever there" \
    "$(of '[(d["backend_domid"], [f["code"] for f in d["findings"]]) for d in r["devices"]]' --domain all vif/7/9 2>/dev/null)" \
    "[(0, []), (5, ['stuck-detach'])]"
