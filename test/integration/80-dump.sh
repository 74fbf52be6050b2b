#!/bin/bash
# SPDX-License-Identifier: MIT
# `plan --dump`: a store, dumped by the real xenstore-ls in each of its forms and treated as people treat dumps, gives the
# report that the live store gives; what was damaged on the way is said, and never gives another.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
destroy: {frontend: true}
END
for type in vif vbd; do
    echo 'owner: kernel' | policy $type
done
echo 'owner: external' | policy vkbd

# ---- a store with something of everything

attach_qdisk 7 51712
attach_qdisk 7 51728 --state 6 --online 0
attach_qdisk 7 51744 $'node=a "b" = "c\\' note=$'\t\x1b\xe9 say "hi"   (n0)' 'empty='
toolstack attach qdisk 7 51760 mode=q -- attach vif 7 0 script=/etc/xen/scripts/vif-bridge -- attach vbd 8 768 \
    -- attach vkbd 7 0 -- attach strange 7 0 -- attach odd 7 0 -- attach strange 8 0
for d in vif/7/0 vbd/8/768; do
    xenstore-write "$(b_of $d)/state" 4 "$(f_of $d)/state" 4
done
xenstore-write "$(f_of vkbd/7/0)/state" rubbish
xenstore-write /local/domain/8/error/device/vbd/768/error "2 reading" "$(f_of vbd/8/768)/state" 5
toolstack attach vif 9 0 -- domain-destroy 9

# report [ARGUMENT...]: the JSON, but for what was looked at, and when
report() {
    "${xenrecon[@]}" plan --format json --policies "$policies" "$@" >"$dir/whole" || return
    grep -vE '^  "(source|generated)":' "$dir/whole"
}

# same NAME: the dump on standard input gives the report of the live store, and nothing else
same() {
    report --dump - >"$dir/report" || true
    if cmp -s "$dir/report" "$dir/live"; then
        pass "$1"
    else
        fail "$1: another report: $(diff "$dir/live" "$dir/report" | head -n 20)"
    fi
}

# fields EXPRESSION [ARGUMENT...]: in Python, of `r`, the report; of the dump on standard input if the ARGUMENTs say so
fields() {
    report "${@:2}" | python3 -c '
import json, os, sys
r = json.load(sys.stdin)
rows = {d["device"]: d["row"] for d in r["devices"]}
was = eval(open(sys.argv[2]).read()) if os.path.exists(sys.argv[2]) else None
def said(code, severity):
    return [f["message"] for f in r["findings"] if f["code"] == code and f["severity"] == severity]
def problems():
    return said("dump-incomplete", "warning")
def remarks():
    return said("dump-incomplete", "info")
print(eval(sys.argv[1]))' "$1" "$dir/rows"
}

report >"$dir/live"
check "the live store has something to report" \
    "$(fields '(len(rows), r["summary"]["actions"] > 1, r["summary"]["errors"] + r["summary"]["warnings"] > 1, len(r["findings"]))')" \
    "(8, True, True, 2)"

# ---- every form

for option in "" -p -f -fp; do
    # shellcheck disable=SC2086  # none is none
    xenstore-ls $option >"$dir/dump$option"
    for path in "" /local /local/domain; do
        # shellcheck disable=SC2086
        xenstore-ls $option $path | same "xenstore-ls $option $path"
    done
    sed 's/$/\r/' "$dir/dump$option" | same "$option: CRLF"
    sed 's/$/\r/; s/^/> /' "$dir/dump$option" | same "$option: quoted"
    sed 's/^/>/' "$dir/dump$option" | same "$option: quoted without a blank"
    sed 's/^/> > /' "$dir/dump$option" | same "$option: quoted twice"
    sed 's/^/    /' "$dir/dump$option" | same "$option: indented"
    sed 's/$/  /' "$dir/dump$option" | same "$option: blanks at the end of lines"
    sed G "$dir/dump$option" | same "$option: blank lines between"
    printf '\xef\xbb\xbf%s' "$(cat "$dir/dump$option")" | same "$option: a byte order mark, and no last newline"
done
sort "$dir/dump-fp" | same "-fp: sorted"
report --dump "$dir/dump-fp" | cmp -s - "$dir/live" && pass "a file, by its name"
XENSTORED_PATH=/nonexistent XENSTORED_RUNDIR=/nonexistent same "without any store" <"$dir/dump-f"

sed 'h; s/[^ ].*//; s/ /\t/g; G; s/\n *//' "$dir/dump" | same "a tab for each level"
sed 'h; s/[^ ].*//; s/ /    /g; G; s/\n *//' "$dir/dump-p" | same "four blanks for each level"
# On a terminal of so many columns.
on_terminal() {
    "$repo/test/lib/on_terminal.py" "$1" xenstore-ls "${@:2}"
}
for option in "" -p -f -fp; do
    # shellcheck disable=SC2086
    on_terminal 100 $option | same "on a terminal: $option"
done
# What is left of the devices has the row that it had, is unreadable, or, if it is others', is told of by the end that is left.
agrees='all(d["row"] in ("unreadable", was[d["device"]]) or
    (d["row"] == "steady" and d["owner"] != "xenrecon" and d["frontend_state"] == "?") for d in r["devices"])'
was=$(fields rows)
echo "$was" >"$dir/rows"
for option in "" -p -f -fp; do
    # shellcheck disable=SC2086
    on_terminal 30 $option >"$dir/narrow"
    grep -q '\\\.\.\."' "$dir/narrow" || fail "a narrow terminal cuts nothing"
    check "a narrow terminal: $option: what was cut is not needed" \
        "$(fields "$agrees, rows.keys() == was.keys(), rows['vif/7/0'], bool(remarks())" --dump "$dir/narrow")" "(True, True, 'steady', True)"
done

# ---- sub-paths

for option in "" -f; do
    # shellcheck disable=SC2086
    xenstore-ls $option $backends >"$dir/part"
    check "the backend directory alone: $option: frontends are not known" \
        "$(fields "$agrees, rows['vif/7/0'], problems()" --dump "$dir/part")" "(True, 'steady', [])"
done
check "frontends alone are no device" "$(fields 'rows, problems()' --dump - < <(xenstore-ls /local/domain/7/device))" "({}, [])"
check "a device's directory alone names its place" \
    "$(xenstore-ls "$(b_of vif/7/0)" |
        fields 'list(rows), problems(), "taken for domain 0" in remarks()[0], len(said("not-listed", "info"))' --dump -)" \
    "(['vif/7/0'], [], True, 1)"
check "and so does a type's" "$(xenstore-ls $backends/vif | fields 'sorted(rows), problems()' --dump -)" "(['vif/7/0', 'vif/9/0'], [])"
{
    xenstore-ls "$(b_of qdisk/7/51712)"
    echo
    xenstore-ls "$(f_of qdisk/7/51712)" | sed 's/^/   /'
} >"$dir/part"
check "both ends of a device, without a word between: its type by its frontend" \
    "$(fields "list(rows), problems(), remarks(), said('not-listed', 'info')" --dump "$dir/part")" "(['qdisk/7/51712'], [], [], [])"
{
    echo 'In dom0 I see:'
    xenstore-ls "$backends" | sed 's/^/> /'
    echo
    xenstore-ls /local/domain/7/device | sed 's/^/    /'
    echo 'Nobody has touched it.'
    xenstore-ls /local/domain/8/device
} >"$dir/part"
check "three listings in a mail are what they are together" \
    "$(fields "$agrees, rows.keys() == was.keys(), rows['vif/7/0'], problems()" --dump "$dir/part")" "(True, True, 'steady', [])"
check "with their paths they can, too" "$(xenstore-ls -f "$(b_of vif/7/0)" | fields 'rows, problems()' --dump -)" "({'vif/7/0': 'steady'}, [])"
{
    for path in "$(b_of vif/7/0)" "$(f_of vif/7/0)"; do
        echo "[root@dom0 ~]# xenstore-ls $path"
        xenstore-ls "$path"
    done
    echo '[root@dom0 ~]# '
} >"$dir/part"
check "or with the prompts" "$(fields 'rows, problems(), len(remarks())' --dump "$dir/part")" "({'vif/7/0': 'steady'}, [], 3)"
cd "$dir"
check "relative paths" "$(xenstore-ls -f backend/vif | fields 'sorted(rows.items()), problems(), len(remarks())' --dump -)" \
    "([('vif/7/0', 'steady'), ('vif/9/0', 'steady')], [], 1)"

# ---- damaged

dump=$dir/dump-fp
for at in 20 40 60 80; do
    head -c $(($(stat -c %s "$dump") * at / 100)) "$dump" | sed '$ s/....$//' >"$dir/part"
    check "cut at $at %" \
        "$(fields "$agrees, 'ends in the middle' in problems()[-1]" --dump "$dir/part")" \
        "(True, True)"
done
sed '/vif\/7\/0\/online/c ...' "$dump" >"$dir/part"
check "something left out" "$(fields "$agrees, rows['vif/7/0'], problems()" --dump "$dir/part")" \
    "(True, 'unreadable', ['line $(grep -n vif/7/0/online "$dump" | cut -d: -f1): something was left out here'])"
sed 's/^\(.*vif\/7\/0\/state = "\)4.*/\15/' "$dump" >"$dir/part"
check "a value without its end" "$(fields "$agrees, rows['vif/7/0']" --dump "$dir/part")" "(True, 'unreadable')"
{
    cat "$dump"
    grep vif/7/0/online "$dump" | sed 's/"1"/"0"/'
} >"$dir/part"
check "a contradiction" "$(fields "$agrees, rows['vif/7/0'], problems()[0].split(': ')[1]" --dump "$dir/part")" \
    "(True, 'unreadable', 'contradicts an earlier line')"
fold -s -w 72 "$dump" >"$dir/part"
check "wrapped by a mailer" "$(fields "$agrees, len(rows) > 4, problems() != []" --dump "$dir/part")" "(True, True, True)"
fold -w 80 "$dir/dump-f" >"$dir/part"
check "wrapped by a terminal" "$(fields "$agrees, problems() != []" --dump "$dir/part")" "(True, True)"
grep -w state "$dir/dump-f" >"$dir/part"
check "filtered" "$(fields "all(row == 'unreadable' for row in rows.values()), len(rows), len(problems())" --dump "$dir/part")" "(True, 8, 1)"
{
    echo '# xenstore-ls -f | grep vif'
    grep vif "$dir/dump-f"
} | fields "rows['vif/7/0'], len(problems()), ['domain/9/' in m for m in said('not-listed', 'info')]" --dump - >"$dir/got"
check "filtered, by a word that its paths have" "$(cat "$dir/got")" "('steady', 1, [True])"
{
    echo 'root@dom0:~# xenstore-ls -f'
    cat "$dir/dump-f"
    echo 'root@dom0:~#'
} | fields 'problems(), [m.split(":")[0] for m in remarks()]' --dump - >"$dir/got"
check "a prompt is harmless" "$(cat "$dir/got")" "([], ['line 1', 'line $(($(wc -l <"$dir/dump-f") + 2))'])"

# refused NAME REGEX: the dump on standard input is, and the message says how to make a better one
refused() {
    local status=0
    report --dump - >"$dir/out" 2>"$dir/err" || status=$?
    check "refused: $1" "$status $(wc -c <"$dir/out") $(head -n 1 "$dir/err" | grep -cE "^xenrecon: stdin:.*$2.*xenstore-ls -fp > file")" "1 0 1"
}
sed 's/"/\&quot;/g' "$dir/dump-f" | refused "HTML" mangled
sed 's/"/“/; s/"$/”/' "$dir/dump" | refused "curly quotes" mangled
sed 's/ /\xc2\xa0/g' "$dir/dump" | refused "blanks that do not break" mangled
sed 's/^ */\t/' "$dir/dump" | refused "tabs" blanks
sed 's/^ *//' "$dir/dump" | refused "no indentation" blanks
sed 's/^  */ /' "$dir/dump" | refused "indentation without its depth" blanks
sed 's/=/=3D/' "$dir/dump" | refused "quoted-printable" mangled
iconv -t UTF-16 "$dir/dump" | refused "16-bit characters" 16-bit
refused "nothing" empty </dev/null
echo "Dear all, it does not work." | refused "no dump" "no line"
check "a file that is not there" "$(report --dump "$dir/none" 2>&1 || echo $?)" $'xenrecon: cannot read '"$dir"$'/none: No such file or directory\n1'

# ---- other domains

toolstack domain-create 3 -- attach vif 7 3 --backend-domain 3
xenstore-ls -f >"$dir/dump"
check "backends in every domain" \
    "$(fields "r['domid'], sorted((d['device'], d['backend_domid']) for d in r['devices'] if d['type'] == 'vif')" --dump "$dir/dump")" \
    "(0, [('vif/7/0', 0), ('vif/7/3', 3), ('vif/9/0', 0)])"
check "a type without policy is named once" "$(fields "said('no-policy', 'info')" --dump "$dir/dump")" \
    "['devices of type odd are not looked after', 'devices of type strange are not looked after']"
check "a device by its name" "$(fields rows --dump "$dir/dump" vif/7/3)" "{'vif/7/3': 'steady'}"
check "one that is not there" "$(report --dump "$dir/dump" vif/7/4 2>&1 || echo $?)" $'xenrecon: vif/7/4: there is no such device in the dump\nxenrecon: without a name, `plan` lists those that there are\n1'

# explain ARGUMENT...: what it answers first of all, and its exit status if that is not 0
explain() {
    local status=0
    "${xenrecon[@]}" explain --policies "$policies" "$@" >"$dir/out" 2>&1 || status=$?
    sed '/^$/,$d' "$dir/out"
    [ $status = 0 ] || echo "$status"
}
check "explain: of a dump" "$(explain --dump "$dir/dump" vif/7/3)" "$(explain --dump - vif/7/3 <"$dir/dump")"
check "explain: as the dump says it" "$(explain --dump "$dir/dump" vif/7/3)" "vif/7/3 is degraded: unclaimed-backend: no backend has claimed this device
    waits for the backend, since when is not known
    hangs on  B/state = \"1\" Initialising  (/local/domain/3/backend/vif/7/3/state)
    rule      deadlines: create 10.0 s, the default, $policies/vif.yaml
    ends with B/state = \"2\" InitWait, by the backend"
check "explain: then all the rest" "$(grep -cE '^(row |decided from|what would change it)' "$dir/out")" 3
check "explain: one line of one that is well" "$(explain --dump "$dir/dump" vif/7/0)" "vif/7/0 is ok: both ends are Connected"
check "explain: a dump that is not there" "$(explain --dump "$dir/none" vif/7/3)" $'xenrecon: cannot read '"$dir"$'/none: No such file or directory\n1'
check "explain: a folder" "$(explain --dump "$dir" vif/7/3)" $'xenrecon: cannot read '"$dir"$': Is a directory\n1'
check "explain: a device that is not there" "$(explain --dump "$dir/dump" vif/7/4 | head -n 1)" 'xenrecon: vif/7/4: there is no such device in the dump'
check "nothing was written" "$(xenstore-ls -f | cmp - "$dir/dump" && echo same)" same
