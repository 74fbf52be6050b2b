#!/bin/bash
# SPDX-License-Identifier: MIT
# A drive that libxl has ejected (params=""), whose worker dies: another is started, as for a drive that was attached empty.
# And keys that keep a worker from being started: their change is looked at.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"

block_policy
start_domain 7 4096 grants
start_xenrecon --policies "$dir/policies" --resync 0
drive=(device-type=cdrom type=qdisk mode=r removable=1 discard-enable=0)

# The worker that was started last: its number, and whether it runs.
pid() { grep -o 'qdisk/7/51728: worker [0-9]* started' "$dir/xenrecon.log" | tail -n 1 | tr -dc '0-9 ' | awk '{ print $2 }'; }
runs() { [ "$(pid)" != "$killed" ] && kill -0 "$(pid)" 2>/dev/null; }
deaths() { grep -c "qdisk/7/51728: its worker ended" "$dir/xenrecon.log" || true; }
more_deaths() { [ "$(deaths)" -gt "$died" ]; }
# dies: the worker does, and the daemon has seen it
dies() {
    died=$(deaths)
    killed=$(pid)
    kill -KILL "$killed"
    becomes_true more_deaths || fail "its death was not seen"
}
starts() {
    becomes_true runs || true
    check "$1" "$(runs && echo yes)" yes
}

attach_disk 51728 8M "${drive[@]}"
reach "a drive with a medium" "$b/state" 2
mkfifo "$dir/hold"
blk hold <"$dir/hold" >/dev/null &
exec 9>"$dir/hold"
await "$f/state" 4 "$b/state" 4

xenstore-write "$b/type" qdisk "$b/params" ""
dies
starts "ejected: the worker comes back"
xenstore-write "$b/params" "raw:$image"

# ---- keys that are invalid, by whomever

xenstore-write "$b/mode" rw
dies
await_said() { grep -q "qdisk/7/51728: invalid-key: $b/mode" "$dir/xenrecon.log"; }
becomes_true await_said || fail "an invalid key is not said"
check "an invalid key: no worker" "$(runs || echo none)" none
xenstore-write "$b/mode" r
starts "valid again: the worker comes back at once"
exec 9>&-

attach_disk 51744 8M "${drive[@]}" params=
reach "a drive that is attached empty" "$b/state" 2 "$b/sectors" 0
stop_xenrecon
