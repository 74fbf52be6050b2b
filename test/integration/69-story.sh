#!/bin/bash
# SPDX-License-Identifier: MIT
# The story that the README tells, of somebody with a detach that does not end, is what really happens:
#
#   69-story.sh           compares it
#   69-story.sh --print   prints it, to be put there
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run
device=qdisk/7/51728
b=$(b_of $device)
f=$(f_of $device)

policy_qdisk <<'END'
hold: {closed: 0}
deadlines: {close: 1s}
END
xenstore-write /local/domain/7/name web
start_xenrecon --policies "$policies"
toolstack attach qdisk 7 51712 params=raw:/srv/web.img mode=w -- attach qdisk 7 51728 params=raw:/srv/scratch.img mode=w
play qdisk/7/51712 connect
play $device never-close
await "$b/state" 4 "$f/state" 4 "$(b_of qdisk/7/51712)/state" 4
log=$(log_mark)
toolstack detach qdisk 7 51728
logged "it is stuck" "$log" "$device: stuck-detach: " >/dev/null
await_quiet 1200

typed() {
    echo "\$ xenrecon $*"
    "${xenrecon[@]}" "$@" 2>&1
    echo
}
{
    echo '$ xl block-detach 7 51728 # which does not come back'
    echo
    typed plan
    typed explain $device
    kill "$player"
    frontend close "$f"
    toolstack wait "$b" absent --timeout-ms "$AWAIT_MS"
    toolstack remove qdisk 7 51728
    until "${xenrecon[@]}" history --last 1 $device | grep -q vanished; do sleep 0.02; done
    echo '[in the guest: umount /mnt/scratch]'
    echo
    typed history --last 3 $device
    typed plan --detailed-exitcode
} >"$dir/story"
# What is another each time: ages, processes, times, markers, and the width of columns that they make
steady() {
    sed -E 's/[0-9.]+ (s|ms)\b/N \1/g; s/process [0-9]+/process N/; s/[0-9a-f]{16}/X/g; s/20[0-9-]{8}.[0-9:.]{8,12}Z?/TIME/g; s/for [0-9.]+s/for Ns/g; s,/[^ ]*/(qdisk.yaml),\1,; s/  +/  /g; s/ +$//'
}
if [ "${1:-}" = --print ]; then
    cat "$dir/story"
else
    awk '/^## When a device is stuck/ { here = 1 } here && /^```$/ { if (++n == 2) exit; next } here && n == 1' "$repo/README.md" |
        steady >"$dir/told"
    # what the README leaves out is marked so
    check "the README's story is what happens" "$(python3 - "$dir/told" <(steady <"$dir/story") <<'END'
import re, sys
told, real = (open(path).read().strip() for path in sys.argv[1:])
pattern = re.escape(told).replace(re.escape("[…]"), "(.|\n)*?")
print("yes" if told and re.fullmatch(pattern, real) else real)
END
)" yes
fi
