#!/bin/bash
# SPDX-License-Identifier: MIT
# `plan --format html`: the report as one file, of a store in which everybody wrote the worst they could. It is parsed
# strictly, and where there is a Chromium, a browser shows it: nothing in it runs but its own filter. The picture is left
# in build/html.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

# ---- a store with something of everything

policy_qdisk </dev/null
for type in vif vbd; do
    echo 'owner: kernel' | policy $type
done
policy vfb <<'END'
owner: external
backend-keys: {vnclisten: {}, vncpasswd: {secret: true}, "port/*": {secret: true}}
END
attack='document.documentElement.setAttribute("pwned",1)'
hostile=(
    "</script><script>$attack</script>"
    "</style></details></table><script>$attack</script>"
    "<img src=x onerror='$attack'>"
    "\"'\` onmouseover=$attack x=\""
    "<svg/onload=$attack>"
    "javascript:$attack"
    "<a href=\"javascript:$attack\">x</a><base href=//example.org/><meta http-equiv=refresh content=0>"
    "]]>--><!--<![CDATA[&lt;&#60;&quot;&"
    $'\e]0;x\a\r\n\t\x01\x7f\xff\xc3(\xc2\x9b'
    $'\u202eevil\u2066\u200b\u061c\ufeff \u05d0\u05d1'
)
for i in "${!hostile[@]}"; do
    attach_qdisk 7 $((100 + i))
    xenstore-write "$(b_of qdisk/7/$((100 + i)))/params" "${hostile[i]}"
done
toolstack attach vfb 8 0 vncpasswd=hunter2 port/1=hunter2 -- attach vif 8 0 script=/etc/xen/scripts/vif-bridge
toolstack attach vbd 9 1 -- attach vbd 9 2 -- attach vbd 9 3 -- attach strange 9 0 -- attach qdisk 10 51712 params=raw:/a mode=w
xenstore-write "$(b_of vfb/8/0)/vnclisten" "${hostile[0]}" "$(b_of vfb/8/0)/online" "${hostile[0]}" \
    "$(b_of vif/8/0)/state" 5 "$(f_of vif/8/0)/state" 4 "$(b_of vif/8/0)/online" 0 \
    "$(f_of vbd/9/1)/state" "${hostile[0]}" "$(b_of vbd/9/1)/state" 2 \
    "$(b_of vbd/9/2)/frontend" "/local/domain/9/${hostile[2]}" \
    "$(b_of vbd/9/3)/state" 2 /local/domain/9/error/device/vbd/3/error "22 ${hostile[1]}"

# ---- as a parser reads it

"${xenrecon[@]}" plan --policies "$policies" --format json >"$dir/json"
"${xenrecon[@]}" plan --policies "$policies" --format html >"$dir/report.html"
"$repo/test/lib/html_report.py" "$dir/report.html" >"$dir/parsed" && pass "well-formed, and only what it should have"
# of NAME EXPRESSION WANT: in Python, of the parsed report h and the JSON report j
of() {
    check "$1" "$(python3 -c '
import json, os, re, sys
h, j = (json.load(open(sys.argv[1] + name)) for name in ("/parsed", "/json"))
d = h["devices"]
def told(): # what many devices have alike comes with the names of all, and with B for the directory of each
    for severity, code, advice, text in h["found"]:
        words = text.split(" ")
        names = [w for i, w in enumerate(words) if all(v in d for v in words[: i + 1])]
        said = " ".join(words[len(names) :])
        for name in names or [""]:
            one = said.replace("B/", f"/local/domain/0/backend/{name}/") if len(names) > 1 else said
            yield [severity, code, advice, f"{name} {one}".strip()]
print(eval(sys.argv[2]))' "$dir" "$2")" "$3"
}
of "the same devices" '[x["device"] for x in j["devices"]] == list(d)' True
of "the same rows" 'all("row " + x["row"] + ":" in d[x["device"]]["text"] for x in j["devices"])' True
of "the same actions" \
    'all(a["reason"] in d[x["device"]]["text"] for x in j["devices"] for a in x["actions"])' True
of "the same findings, with advice" 'sorted(told()) == sorted(
    [f["severity"], f["severity"] + " " + f["code"], f["advice"], " ".join([*key, f["message"]])]
    for key, fs in [([x["device"]], x["findings"]) for x in j["devices"]] + [([], j["findings"])] for f in fs)' True
of "the worst first" '(lambda s: s == sorted(s, key=["error", "warning", "info"].index) and len(set(s)) == 3)([f[0] for f in h["found"]])' True
of "the summary" '[int(re.match("[0-9]+", t)[0]) for t in h["summary"]] == [n for n in j["summary"]["health"].values() if n] + [
    j["summary"][k] for k in ("devices", "errors", "warnings", "actions")]' True
of "the sickest first, each with its health" '[d[x["device"]]["class"] for x in j["devices"]] == sorted([x["health"] for x in j["devices"]],
    key=["failed", "degraded", "unknown", "pending", "ok"].index)' True
of "sick devices are open, and what is well is folded" '[(g, g != "ok") for g in dict.fromkeys(x["health"] for x in j["devices"])] == [tuple(g) for g in h["groups"]]' True
export HOSTILE=${hostile[0]}
of "what is hostile is there, as text" \
    "d['qdisk/7/100']['values']['params'] == ['\"' + os.environ['HOSTILE'].replace('\"', '\\\\\"') + '\"'], os.environ['HOSTILE'][:18] in d['vfb/8/0']['text']" "(True, True)"
of "control and bidirectional characters are escaped" "d['qdisk/7/108']['values']['params'], d['qdisk/7/109']['values']['params']" \
    "(['\"\\\\x1b]0;x\\\\x07\\\\x0d\\\\x0a\\\\x09\\\\x01\\\\x7f\\\\xff\\\\xc3(\\\\xc2\\\\x9b\"'], ['\"\\\\xe2\\\\x80\\\\xaeevil\\\\xe2\\\\x81\\\\xa6\\\\xe2\\\\x80\\\\x8b\\\\xd8\\\\x9c\\\\xef\\\\xbb\\\\xbf אב\"'])"
of "a guest's error" '[("script" in t, "22 " in t) for _, c, _, t in h["found"] if c.endswith("guest-error") and t.startswith("vbd/9/3 ")]' "[(True, True)]"
of "secrets are not" "d['vfb/8/0']['values']['vncpasswd'], d['vfb/8/0']['values']['port/1']" "(['(secret)'], ['(secret)'])"
check "nor anywhere else" "$(grep -c hunter2 "$dir/report.html" || true)" 0
check "of a dump, the same but for where it is from" "$(xenstore-ls -f |
    "${xenrecon[@]}" plan --policies "$policies" --dump - --format html | grep -v '^<p class="dim">A dump, from standard input, ' |
    diff - <(grep -v '^<p class="dim">The store of ' "$dir/report.html") | head -n 5)" ""
check "without scripts, values unfold all the same, and no filter is offered" \
    "$(grep -c '<details><summary>values' "$dir/report.html") $(grep -c 'id="bar" hidden=""' "$dir/report.html")" \
    "$(grep -c '<article ' "$dir/report.html") 1"
# what many devices have alike is said once, with links to all of them
for i in 1 2 3 4 5; do
    b=/local/domain/0/backend/vbd/$((10 + i))/51712 f=/local/domain/$((10 + i))/device/vbd/51712
    printf '%s = "%s"\n' "$b/frontend" "$f" "$b/frontend-id" $((10 + i)) "$b/online" 1 "$b/state" 1 "$f/backend" "$b" "$f/state" $((i == 5 ? 5 : 1))
done | "${xenrecon[@]}" plan --policies "$policies" --dump - --format html >"$dir/alike.html"
alike=$("$repo/test/lib/html_report.py" "$dir/alike.html")
check "equal findings of many devices are folded" "$(python3 -c '
import json, sys
h = json.loads(sys.argv[1])
print(*[f[3] for f in h["found"] if f[1] == "warning unclaimed-backend"], sep="\n")
print(sum("no backend has claimed" in d["text"] for d in h["devices"].values()), "cards")' "$alike")" \
    "vbd/11/51712 vbd/12/51712 vbd/13/51712 vbd/14/51712 vbd/15/51712 no backend has claimed this device
5 cards"
check "since when is not known, said once" "$(grep -c 'Since when things last is not known' "$dir/alike.html")" 1
"${xenrecon[@]}" plan --policies "$policies" --format html vbd/9/1 >"$dir/one.html"
check "one device" "$("$repo/test/lib/html_report.py" "$dir/one.html" | grep -o '"key"' | wc -l)" 1
check "a format that there is not" "$("${xenrecon[@]}" plan --format pdf 2>&1 | head -n 1)" \
    'xenrecon: --format is text, wide, json, html or csv, not "pdf"'

# ---- as a browser shows it

if ! command -v chromium >/dev/null; then
    echo "SKIPPED, for there is no chromium: what a browser makes of it (test/deps.sh browser installs one)"
    exit
fi
mkdir -p "$repo/build/html"
# browse NAME [OPTION...]: $dir/NAME.html; what it becomes in $dir/NAME.dom, and what the console says in $dir/NAME.log
browse() {
    HOME=$dir timeout 120 chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
        --user-data-dir="$dir/profile" --enable-logging=stderr --dump-dom "${@:2}" "file://$dir/$1.html" \
        >"$dir/$1.dom" 2>"$dir/$1.log" || fail "chromium shows $1.html"
}
# console NAME: errors, refusals and messages there
console() {
    grep -c ':CONSOLE' "$dir/$1.log" || true
}
shown() {
    grep -o '<output id="count">[^<]*' "$dir/$1.dom" | cut -d '>' -f 2
}
pwned() {
    grep -oE '<html[^>]* pwned=' "$dir/$1.dom" | wc -l
}

browse report --window-size=1100,1600 --screenshot="$repo/build/html/report.png" --print-to-pdf="$repo/build/html/report.pdf"
n=$(grep -c '<article ' "$dir/report.html")
check "its own filter runs, nothing else does, and the console is silent" \
    "$(shown report), $(pwned report), $(console report)" "$n of $n, 0, 0"
check "a picture, and something to print" "$(head -c 4 "$repo/build/html/report.png" | tail -c 3) $(head -c 4 "$repo/build/html/report.pdf")" "PNG %PDF"
sed 's|id="words"|& value="VBD/9"|' "$dir/report.html" >"$dir/filtered.html"
browse filtered
empty=$(python3 -c '
import json, sys
d = [(x["device"], x["health"]) for x in json.load(open(sys.argv[1]))["devices"]]
print(len({h for _, h in d} - {h for n, h in d if "vbd/9" in n}))' "$dir/json")
check "the filter hides what does not fit, and the headings that this leaves empty" \
    "$(shown filtered), $(grep -c '<section hidden' "$dir/filtered.dom")" "3 of $n, $empty"
browse alike
check "a browser shows what is folded, with links that lead to devices" \
    "$(grep -o '<li><a href="#d[0-9]*"><code>vbd/1[1-5]' "$dir/alike.dom" | wc -l), $(grep -o '<a href="#d[0-9]*"><code>vbd/1' "$dir/alike.dom" | wc -l), $(shown alike), $(console alike)" \
    "1, 5, 5 of 5, 0"
# what the browser must refuse, should a value ever get through; and that this would be seen
sed "s|<h2>Devices</h2>|&<script>$attack</script><img src=\"x\" onerror='$attack' />|" "$dir/report.html" >"$dir/broken.html"
browse broken
check "the policy holds where escaping fails" "$(pwned broken) $(($(console broken) > 0))" "0 1"
grep -v Content-Security-Policy "$dir/broken.html" >"$dir/open.html"
browse open
check "without it, the attack succeeds" "$(pwned open)" 1
