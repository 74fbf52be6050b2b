#!/bin/bash
# SPDX-License-Identifier: MIT
# More devices than a guest may have: of each type so many are looked after, each guest's refusal is said, `plan` says the
# same, and when a device goes another one is looked after at once.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
limits: {devices-per-domain: 3}
END
policy vfb <<'END'
owner: xenrecon
limits: {devices-per-domain: 2}
END
# served TYPE/DOMID: how many of its devices are InitWait
served() { xenstore-ls -f "$backends/$1" | grep -c '/state = "2"' || true; }
served_are() { [ "$(served "$1")" = "$2" ]; }
# left TYPE/DOMID: the first that is not
left() { xenstore-ls -f "$backends/$1" | sed -n 's/.*\/\([0-9]*\)\/state = "1"$/\1/p' | head -n 1; }
refusals() { grep -cE "^xenrecon: $1/[0-9]+: too-many-devices: " "$dir/xenrecon.log" || true; }

# Guest 7 has as many disks as it may, and more; and all its framebuffers, one more than all of both types together
# would leave it. Guest 8 likewise has too many, and guest 9 just enough.
attach_qdisk 7 1
start_xenrecon --policies "$policies" --resync 0
for devid in 2 3 4 5; do
    attach_qdisk 7 $devid
done
for devid in 0 1; do
    toolstack attach vfb 7 $devid
done
for domid in 8 9; do
    for devid in 1 2 3; do
        attach_qdisk $domid $devid
    done
done
attach_qdisk 8 4
attach_qdisk 8 5
becomes_true served_are qdisk/8 3 || true
becomes_true served_are qdisk/9 3 || true
becomes_true served_are vfb/7 2 || true
await_quiet 100
check "as many are served as may be" "$(served qdisk/7) $(served qdisk/8) $(served qdisk/9)" "3 3 3"
check "of each type" "$(served vfb/7)" 2
check "each guest's refusal is said, and once" "$(refusals qdisk/7) $(refusals qdisk/8) $(refusals qdisk/9) $(refusals vfb/7)" "1 1 0 0"
check "plan says the same" "$("${xenrecon[@]}" plan --format json --policies "$policies" | python3 -c '
import json, sys
print(sorted(f["message"].split(" in the")[0] for f in json.load(sys.stdin)["findings"] if f["code"] == "too-many-devices"))')" \
    "['domain 7 has 5 devices of type qdisk', 'domain 8 has 5 devices of type qdisk']"
"${xenrecon[@]}" status --runtime-dir "$dir/run" --format json >"$dir/json"
check "and status" "$(python3 -c '
import json, sys
print([f["code"] + ": " + f["message"] for f in json.load(open(sys.argv[1]))["daemon"]["findings"]])' "$dir/json")" \
    "['too-many-devices: domain 7 has more devices of type qdisk than the 3 that are looked after', 'too-many-devices: domain 8 has more devices of type qdisk than the 3 that are looked after']"
check "as the schema says" "$("$repo/test/lib/validate.py" "$repo/schemas/status.schema.json" - <"$dir/json" 2>&1)" ""
check "in text, too" "$("${xenrecon[@]}" status --runtime-dir "$dir/run" | grep -c "! too-many-devices: domain [78] ")" 2

# ---- one goes

gone() {
    toolstack detach qdisk "$1" "$2"
    await "$(b_of "qdisk/$1/$2")/state" 6
    toolstack remove qdisk "$1" "$2"
}
said=$(log_mark)
waits=$(left qdisk/7)
gone 7 1
reach "another one is looked after" "$(b_of "qdisk/7/$waits")/state" 2
await_quiet 100
check "and no more than that" "$(served qdisk/7) $(served qdisk/8)" "3 3"
check "nothing is said again" "$(log_since "$said" | grep -c too-many-devices || true)" 0
waits=$(left qdisk/7)
gone 7 2
reach "and the last one" "$(b_of "qdisk/7/$waits")/state" 2
logged "that there is room is said" "$said" '^xenrecon: domain 7: all of its 3 devices of type qdisk are looked after$'
attach_qdisk 7 9
logged "one more is too many again" "$said" '^xenrecon: qdisk/7/9: too-many-devices: domain 7 has 3 of type qdisk already'

said=$(log_mark)
toolstack remove qdisk 7 9
logged "one that was not looked after goes" "$said" '^xenrecon: domain 7: all of its 3 devices of type qdisk are looked after$'
attach_qdisk 7 9
logged "and comes back" "$said" '^xenrecon: qdisk/7/9: too-many-devices: '

# ---- several go at once, while others come

for devid in 3 4 5; do
    toolstack remove qdisk 7 $devid &
done
for devid in 11 12 13 14; do
    attach_qdisk 7 $devid
done
becomes_true served_are qdisk/7 3 || true
await_quiet 100
check "as many as may be, in the end" "$(served qdisk/7)" 3

# ---- another limit

sed -i 's/devices-per-domain: 3/devices-per-domain: 5/' "$policies/qdisk.yaml"
kill -HUP "$xenrecon_pid"
becomes_true served_are qdisk/7 5 || true
becomes_true served_are qdisk/8 5 || true
check "a reload lifts it" "$(served qdisk/7) $(served qdisk/8)" "5 5"
