#!/bin/bash
# SPDX-License-Identifier: MIT
# Since when things are as they are, and how often they failed, is the same after a restart of xenrecon: ended in order, and
# killed. It ends with its cause, and another device of the same number inherits nothing.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: workers have users of their own"
    exit 0
fi
ages=$dir/run/ages
deadlines='deadlines: {create: 1s, connect: 1s, close: 1s}'
policy_qdisk <<<"$deadlines"
policy vif <<<"owner: kernel
$deadlines"
policy vdead <<END
owner: xenrecon
worker: {command: [/bin/false], uid-base: 1900000000}
retry: {initial: 100ms, max: 1s}
$deadlines
END

# told DEVICE EXPRESSION: in Python, of the device `d`, what `status` has
told() {
    "${xenrecon[@]}" status --runtime-dir "$dir/run" --format json "$1" | python3 -c '
import json, sys
from datetime import datetime
def at(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None
d = json.load(sys.stdin)["devices"][0]
print(eval(sys.argv[1]))' "$2"
}
# found DEVICE CODE: until it is found, and kept
found() {
    becomes_true eval "told '$1' 'int(\"$2\" in d[\"findings_since\"])' | grep -q 1" || fail "$1: $2 is never found"
    becomes_true grep -qs "^$1 .*found=$2," "$ages" || fail "$1: $2 is never kept"
}
times='"%.0f %s" % (at(d["wanted_since"]) or 0, " ".join("%s %.0f" % (c, at(t)) for c, t in sorted(d["findings_since"].items())))'
# as_before NAME DEVICE BEFORE: its times; seconds may be rounded otherwise
as_before() {
    check "$1: $2 since then" "$(told "$2" "$times" | tr ' ' '\n' | paste - <(tr ' ' '\n' <<<"$3") |
        awk '$1 != $2 && !($1 ~ /^[0-9]+$/ && $2 ~ /^[0-9]+$/ && ($1 - $2) ^ 2 <= 1)')" ""
}

start_xenrecon --policies "$policies"
check "where there is nothing to be remembered, there is no file" "$([ -e "$ages" ] && echo there || echo none)" none
attach_qdisk 7 1                                                           # its guest has no driver
toolstack attach vif 7 0 --state 2 hotplug-status=connected F:state=1      # likewise
toolstack attach vif 8 0 --state 4 hotplug-status=connected F:state=1      # the ends disagree
toolstack attach vdead 7 0                                                 # its worker dies
found qdisk/7/1 stuck-connect
found vif/7/0 stuck-connect
found vif/8/0 ends-disagree
found vdead/7/0 worker-died
becomes_true eval 'told vdead/7/0 "int(d[\"worker\"][\"failures\"] > 3)" | grep -q 1' || fail "its worker dies less often than 4 times"
for how in stop_xenrecon kill_xenrecon; do
    one=$(told qdisk/7/1 "$times") two=$(told vif/7/0 "$times") three=$(told vif/8/0 "$times")
    four=$(told vdead/7/0 'int(at(d["wanted_since"]))') deaths=$(told vdead/7/0 'd["worker"]["failures"]')
    mark=$(log_mark)
    $how
    sleep 2 # so that what begins anew differs
    start_xenrecon --policies "$policies"
    as_before $how qdisk/7/1 "$one"
    as_before $how vif/7/0 "$two"
    as_before $how vif/8/0 "$three"
    check "$how: vdead/7/0 is wanted since then" "$(($(told vdead/7/0 'int(at(d["wanted_since"]))') - four))" 0
    now=$(told vdead/7/0 'd["worker"]["failures"]')
    check "$how: its deaths are counted on" "$([ "$now" -ge "$deaths" ] && echo yes || echo "$now after $deaths")" yes
    check "$how: and are found" "$(told vdead/7/0 '"worker-died" in d["findings"]')" True
    check "$how: nothing is told to have cleared" "$(log_since "$mark" | grep -c cleared: || true)" 0
done

# ---- at rest it is not written

toolstack detach vdead 7 0
xenstore-rm "$(b_of vdead/7/0)"
is_forgotten() { ! grep -q ^vdead "$ages"; }
becomes_true is_forgotten || fail "a device that is gone is still kept"
written=$(stat -c %Y.%i "$ages")
sleep 3
check "at rest it is not written" "$(stat -c %Y.%i "$ages")" "$written"

# ---- what is healed, or another device, while nobody looks

kill_xenrecon
old=$(grep ^qdisk/7/1 "$ages")
toolstack remove qdisk 7 1
attach_qdisk 7 1
xenstore-rm "$(b_of vif/8/0)"
toolstack attach vif 8 0 --state 2 hotplug-status=connected F:state=1
began=$EPOCHSECONDS
xenstore-write "$(f_of vif/7/0)/state" 4 "$(b_of vif/7/0)/state" 4
mark=$(log_mark)
start_xenrecon --policies "$policies"
check "healed: nothing is wanted any more" "$(told vif/7/0 '[d["wanted_since"], d["findings"]]')" "[None, []]"
for device in qdisk/7/1 vif/8/0; do
    check "another $device begins anew" "$(told $device "int(at(d['wanted_since']) >= $began - 1)")" 1
    logged "another $device: it is said" "$mark" "$device: it is not as it was before"
done

# ---- damaged

anew() { grep '^qdisk/7/1 .*found=' "$ages" | grep -qvxF "$old"; }
becomes_true anew || fail "another qdisk/7/1 is never kept"
one=$(told qdisk/7/1 "$times")
kill_xenrecon
{ echo "qdisk/7/1 marker=1 ends=2,1,1" && echo "../../etc values=0000000000000001" && printf 'vif/8/0 found=worker-died,9999999999999 \377\0' && echo; } >>"$ages"
mark=$(log_mark)
start_xenrecon --policies "$policies"
check "strange lines are left out, and said" "$(log_since "$mark" | grep -c "ages: line .*: it is left out")" 3
as_before "strange lines" qdisk/7/1 "$one"
kill_xenrecon
sed -i '1s/.*/xenrecon-ages 9/' "$ages"
mark=$(log_mark)
start_xenrecon --policies "$policies"
logged "another version is not read" "$mark" "ages is of another version, or damaged"
found qdisk/7/1 stuck-connect
kill_xenrecon
rm "$ages"
mkdir "$ages"
mark=$(log_mark)
start_xenrecon --policies "$policies"
logged "a folder in its place" "$mark" "ages cannot be used: "
toolstack detach qdisk 7 1
reach "and devices are looked after" "$(b_of qdisk/7/1)/state" absent
rmdir "$ages"
attach_qdisk 7 2
found qdisk/7/2 stuck-connect
rm "$ages"
becomes_true grep -qs "^qdisk/7/2 " "$ages" || true
check "removed: made again" "$(grep -c "^qdisk/7/2 " "$ages")" 1
stop_xenrecon

# ---- a dry run writes nothing

cp "$ages" "$dir/before"
written=$(stat -c %Y.%i "$ages")
start_xenrecon --dry-run --policies "$policies"
attach_qdisk 7 3
becomes_true eval 'told qdisk/7/3 "d[\"row\"]" | grep -q create' || fail "a dry run does not see the device"
sleep 2
stop_xenrecon
check "a dry run writes nothing" "$(stat -c %Y.%i "$ages") $(cmp "$ages" "$dir/before")" "$written "
