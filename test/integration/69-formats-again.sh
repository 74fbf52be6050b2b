#!/bin/bash
# SPDX-License-Identifier: MIT
# A server of formats outlives the controller, and is found again: there is one for a guest, whatever becomes of its record,
# of its workers and of the controller.
# shellcheck disable=SC2119 # options are for whom they matter
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
. "$repo/test/lib/block.sh"
# shellcheck source=test/lib/formats.sh
. "$repo/test/lib/formats.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

all() { echo "$(servers) $(daemons)"; }
worker_of() { pgrep -f "xenrecon-blk --image=qcow2:$dir/disk.$1 " || true; }
other_worker() { [ -n "$(worker_of "$1")" ] && [ "$(worker_of "$1")" != "$2" ]; }
others() { [ -n "$(servers)" ] && [ -n "$(daemons)" ] && [ "$(servers)" != "$server" ]; }
nothing_left() { [ -z "$(servers)$(daemons)$(ls "$dir/run/formats")" ]; }
record=$dir/run/formats/qdisk.7.server

# served_by NAME WANTED: a worker killed, its successor serves, by these
served_by() {
    local worker
    worker=$(worker_of 51728)
    kill -KILL "$worker"
    becomes_true other_worker 51728 "$worker"
    exits "$1: the next worker serves" 0 blk verify --count 200 --seed "$RANDOM"
    check "$1: by the same server and daemon" "$(all)" "$2"
}

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy
start_xenrecon --policies "$dir/policies"
attach_image 51712 qcow2
await "$b/state" 2
attach_image 51728 qcow2
await "$b/state" 2
exits "verify" 0 blk verify --count 200
before=$(all)
check "one server, one daemon" "$(servers | wc -l) $(daemons | wc -l)" "1 1"
check "its record says which" "$(sed -n 's/^pid //p' "$record")" "$(servers)"
server=$(servers)

restart_xenrecon
logged "found again" 0 "qdisk.7: server of formats $server found again"
served_by "found again" "$before"
attach_image 51744 qcow2
await "$b/state" 2
check "another disk of the guest: the same" "$(all)" "$before"
detached 51744
b=/local/domain/0/backend/qdisk/7/51728

kill_xenrecon
rm "$record"
start_xenrecon --policies "$dir/policies"
logged "no record: it is known by its lock" 0 "a server of formats of domain 7 runs of which there is no record"
served_by "no record" "$before"

restart_xenrecon
rm -f "$record"
kill_all servers
becomes_true others
exits "the server died: another serves" 0 blk verify --count 200 --seed 7
check "one server, one daemon, and no more" "$(servers | wc -l) $(daemons | wc -l)" "1 1"

# ---- gone while nobody watched

kill_xenrecon
kill_all servers
start_xenrecon --policies "$dir/policies"
exits "it died while nobody watched: another serves" 0 blk verify --count 200 --seed 8
check "one server, one daemon, again" "$(servers | wc -l) $(daemons | wc -l)" "1 1"

restart_xenrecon
detached 51728
detached 51712
becomes_true nothing_left || true
check "nothing is left of it" "$(servers)$(daemons)$(ls "$dir/run/formats")" ""
