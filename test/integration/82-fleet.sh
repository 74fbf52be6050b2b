#!/bin/bash
# SPDX-License-Identifier: MIT
# `plan --dump` of several hosts: a folder, several files, several hosts in one text. Sick hosts come first, one that cannot
# be read is told and the others are reported, and no two hosts are ever mixed.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

for type in vif vbd; do
    echo 'owner: kernel' | policy $type
done
dumps=$dir/dumps
mkdir "$dumps" "$dumps/folder" "$dir/empty"
# host NAME DOMID [KEY=VALUE...]: a dump of a host with a disk and a card, of which some of the disk's keys are others
host() {
    local name=$1 id=$2 type
    echo "/local/domain/$id/name = \"vm-$name\""
    for type in vbd/$id/51712 vif/$id/0; do
        local b=/local/domain/0/backend/$type f=/local/domain/$id/device/${type%%/*}/${type##*/}
        printf '%s = "%s"\n' "$b/frontend" "$f" "$b/frontend-id" "$id" "$b/hotplug-status" connected "$f/backend" "$b" "$f/state" 4
        if [[ $type = vbd/* ]]; then
            printf "$b/%s = \"%s\"\n" online "${3-1}" state "${4-4}" mode w
        else
            printf "$b/%s = \"%s\"\n" online 1 state 4 mac 00:16:3e:00:00:01
        fi
    done
}
# whole: a listing with the directories that its lines are in
whole() {
    awk -F' = ' '{ n = split($1, part, "/"); path = ""
        for (i = 2; i < n; i++) { path = path "/" part[i]; if (!seen[path]++) print path " = \"\"" }
        seen[$1]++; print }'
}
host a 7 | whole >"$dumps/host-a.txt"
host b 7 0 5 | whole >"$dumps/host-b.txt"  # a detach that does not end
host c 9 0 5 | whole >"$dumps/host-c.log"
sed -i 's,\(/vif/9/0/state = \).*,\1"2",' "$dumps/host-c.log" # and a card that is not served
echo 'nothing of any use' >"$dumps/broken.txt"
echo hidden >"$dumps/.hidden"

# plan ARGUMENT...: on stdout; the status is in $dir/status, what it says in $dir/err
plan() {
    local status=0
    "${xenrecon[@]}" plan --policies "$policies" "$@" 2>"$dir/err" || status=$?
    echo $status >"$dir/status"
}
# of EXPRESSION ARGUMENT...: in Python, of `r`, the report, and `h`, its hosts
of() {
    plan --format json "${@:2}" >"$dir/json"
    python3 -c '
import json, sys
r = json.load(open(sys.argv[2]))
h = r.get("hosts")
print(eval(sys.argv[1]))' "$1" "$dir/json"
}

# ---- a folder

check "what cannot be read, and then the sickest first" "$(of '[x.get("host") for x in h]' --dump "$dumps")" \
    "[None, 'host-c', 'host-b', 'host-a']"
check "which one that is" "$(of '(h[0]["source"][-11:], "no line of it" in h[0]["error"])' --dump "$dumps")" "('/broken.txt', True)"
check "the status says so" "$(cat "$dir/status")" 1
check "and stderr" "$(grep -c 'broken.txt: no line of it' "$dir/err")" 1
plan --format json --dump "$dumps" >"$dir/json"
check "JSON is as its schema says" "$(python3 - "$repo" "$dir/json" <<'END'
import json, sys
import jsonschema
fleet, plan = (json.load(open(f"{sys.argv[1]}/schemas/{name}.schema.json")) for name in ("fleet", "plan"))
resolver = jsonschema.RefResolver("", fleet, {"plan.schema.json": plan})
print(*[e.message for e in jsonschema.Draft7Validator(fleet, resolver=resolver).iter_errors(json.load(open(sys.argv[2])))][:3])
END
)" ""
check "each says where it is from, when and by what" \
    "$(of '{(x["source"][-11:], x["generated"][:2], x["program"][:8]) for x in h[1:]} == {(s, "20", "xenrecon") for s in ("/host-a.txt", "/host-b.txt", "/host-c.log")}' --dump "$dumps")" True
check "each has its own devices" "$(of '[[d["device"] + " " + d["frontend_name"] for d in x["devices"]] for x in h[1:]]' --dump "$dumps")" \
    "[['vbd/9/51712 vm-c', 'vif/9/0 vm-c'], ['vbd/7/51712 vm-b', 'vif/7/0 vm-b'], ['vbd/7/51712 vm-a', 'vif/7/0 vm-a']]"
check "as its own report has" "$(of 'h[2]["devices"]' --dump "$dumps")" "$(of 'r["devices"]' --dump "$dumps/host-b.txt")"
rm "$dumps/broken.txt"
plan --dump "$dumps" >"$dir/text"
check "text: the counts, and the hosts" "$(sed -n '1p; 4,6p' "$dir/text" | tr -s ' ')" "3 hosts, 6 devices: 3 degraded, 3 ok
degraded host-c 2 0 2 0 0 0
degraded host-b 2 0 1 0 0 1
ok host-a 2 0 0 0 0 2"
check "text: findings, counted over hosts" "$(grep -A 2 '^Found:' "$dir/text" | grep stuck-detach)" \
    "    ! warning stuck-detach: 2 on 2 hosts"
check "text: the sick ones, each by itself" "$(grep -oE '^host-.: [0-9]+ device' "$dir/text" | cut -d : -f 1 | xargs)" "host-c host-b"
check "all were read" "$(cat "$dir/status")" 0
check "wide" "$(plan --format wide --dump "$dumps" | grep -c 'ROW$')" 2

# ---- other formats

plan --format csv --dump "$dumps" >"$dir/csv"
# rows EXPRESSION: in Python, of `rows`
rows() {
    python3 -c '
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[2], newline="")) if r["device"]]
print(eval(sys.argv[1]))' "$1" "$dir/csv"
}
check "CSV: a line for each device" "$(rows '[(r["host"], r["health"], r["device"], r["domain"], r["findings"]) for r in rows][2:4]')" \
    "[('host-b', 'degraded', 'vbd/7/51712', 'vm-b', 'stuck-detach'), ('host-b', 'ok', 'vif/7/0', 'vm-b', '')]"
sed 's,"vm-a","=cmd|x",' "$dumps/host-a.txt" >"$dir/formula"
plan --format csv --dump "$dir/formula" >"$dir/csv"
check "CSV: no formula, and one host's will do" "$(rows '{r["domain"] for r in rows}')" "{\"'=cmd|x\"}"
plan --format html --dump "$dumps" >"$dir/html"
check "HTML: well-formed, and its links lead somewhere" "$("$repo/test/lib/html_report.py" "$dir/html" | python3 -c '
import json, sys
print(json.load(sys.stdin)["groups"][0])')" "['degraded', False]"
check "HTML: a device is one click away" "$(grep -c '<a href="#h1d0"><code>vbd/9/51712' "$dir/html") $(grep -c 'id="h1d0"' "$dir/html")" "1 1"

# ---- which ones

check "several files" "$(of '[x["host"] for x in h]' --dump "$dumps/host-a.txt" --dump "$dumps/host-b.txt")" "['host-b', 'host-a']"
check "a host that has nothing of what is named is left out" "$(of '[(x["host"], len(x["devices"])) for x in h]' --dump "$dumps" vm-c vif/9/0)" \
    "[('host-c', 2)]"
plan --dump "$dumps" vm-x >"$dir/text"
check "nobody has it" "$(cat "$dir/status" "$dir/err" "$dir/text")" "1
xenrecon: vm-x: there is no such device in any of the dumps"
check "only what is not well" "$(of 'sum(len(x["devices"]) for x in h), sum(x["summary"]["devices"] for x in h)' --problems --dump "$dumps")" "(3, 6)"
plan --dump "$dir/empty" >"$dir/text"
check "an empty folder" "$(cat "$dir/status" "$dir/err")" "1
xenrecon: there is no file in the folder $dir/empty"

# ---- several hosts in one text

lines=$(wc -l <"$dumps/host-a.txt")

cat "$dumps/host-a.txt" "$dumps/host-b.txt" >"$dir/both"
check "a listing that begins again with other contents" "$(of '[(x["host"], [d["frontend_name"] for d in x["devices"]]) for x in h]' --dump "$dir/both")" \
    "[('lines $((lines + 1))-$((2 * lines))', ['vm-b', 'vm-b']), ('lines 1-$lines', ['vm-a', 'vm-a'])]"
cat "$dumps/host-a.txt" "$dumps/host-c.log" >"$dir/both"
check "one that has what the other lists as not there" "$(of '[[d["device"] for d in x["devices"]] for x in h]' --dump "$dir/both")" \
    "[['vbd/9/51712', 'vif/9/0'], ['vbd/7/51712', 'vif/7/0']]"
cat "$dumps/host-a.txt" "$dumps/host-a.txt" >"$dir/twice"
check "the same listing twice is of one host" "$(of '[d["device"] for d in r["devices"]], r["summary"]["warnings"]' --dump "$dir/twice")" \
    "(['vbd/7/51712', 'vif/7/0'], 0)"
for i in a c; do # two that do not contradict each other
    echo "[root@host-$i ~]# xenstore-ls -f"
    cat "$dumps"/host-$i.*
done >"$dir/prompts"
check "prompts of two machines" "$(of '[(x["host"], [d["device"] for d in x["devices"]]) for x in h]' --dump "$dir/prompts")" \
    "[('host-c', ['vbd/9/51712', 'vif/9/0']), ('host-a', ['vbd/7/51712', 'vif/7/0'])]"
sed 's/^/> /' "$dir/prompts" >"$dir/quoted"
check "quoted" "$(of '[x["host"] for x in h]' --dump "$dir/quoted")" "['host-c', 'host-a']"
for part in 0/backend 7; do
    echo "root@host-a:~# xenstore-ls -f /local/domain/$part"
    grep "^/local/domain/$part/" "$dumps/host-a.txt"
done >"$dir/one"
check "two listings of one machine" "$(of '[d["frontend_state"] for d in r["devices"]]' --dump "$dir/one")" "['Connected', 'Connected']"
plan --dump - <"$dir/prompts" >"$dir/text"
check "from stdin, too" "$(head -n 1 "$dir/text" | cut -d : -f 1)" "2 hosts, 4 devices"
check "explain does not guess" "$("${xenrecon[@]}" explain --policies "$policies" --dump "$dir/prompts" vif/7/0 2>&1 >/dev/null || echo $?)" \
    "xenrecon: $dir/prompts: it has listings of 2 hosts, or of one at several moments:
xenrecon:   host-a: lines 1 to $((lines + 1))
xenrecon:   host-c: lines $((lines + 2)) to $((2 * lines + 2))
xenrecon: put the lines of one in a file of its own; \`xenrecon plan --dump\` reports on each
1"

# ---- many

mkdir "$dir/many"
for ((i = 0; i < 40; i++)); do
    for ((id = 1; id <= 20; id++)); do
        host $i-$id $id
    done | whole >"$dir/many/host-$i"
done
check "forty hosts with forty devices each" "$(of 'len(h), sum(len(x["devices"]) for x in h)' --dump "$dir/many")" "(40, 1600)"
