#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest whose disks write rings and states in a loop: what is logged and asked for it has a bound, what is left out is
# said, and another guest's lines and history are all there.
export TRACE=off
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

# Much is allowed, so that it does not take long to see what would be too much.
rate=400
burst=400
policy_qdisk <<END
limits: {events-per-second: $rate, burst: $burst}
END
# of DEVICE EXPRESSION: in Python, of its history, h
of() {
    "${xenrecon[@]}" history --format json --last 1000 "$1" >"$dir/json"
    "$repo/test/lib/validate.py" "$repo/schemas/history.schema.json" "$dir/json" || fail "not as the schema says"
    python3 -c '
import json, sys
h = json.load(open(sys.argv[1]))["decisions"]
print(eval(sys.argv[2]))' "$dir/json" "$2"
}
# daemon EXPRESSION: in Python, of what `status` has on the daemon, d
daemon() {
    "${xenrecon[@]}" status --format json | python3 -c '
import json, sys
d = json.load(sys.stdin)["daemon"]
print(eval(sys.argv[1]))' "$1"
}
# flood DISKS FILE LIST: guest 7's disks 1 to DISKS go through the list, KEY=VALUE or KEY=? for another value each time, until
# there is the file; says how many writes that made
flood() {
    python3 - "$XENSTORED_PATH" "$@" <<'END'
import os, socket, struct, sys
path, disks, enough, *steps = sys.argv[1:]
store = socket.socket(socket.AF_UNIX)
store.connect(path)
replies = store.makefile("rb")
n = 0
def write(disk, step):
    global n
    n += 1
    key, value = step.split("=")
    body = f"/local/domain/7/device/vbd/{disk}/{key}".encode() + b"\0" + (value if value != "?" else str(n)).encode()
    store.sendall(struct.pack("<IIII", 11, 0, 0, len(body)) + body)  # XS_WRITE
while not os.path.exists(enough):
    for disk in range(1, int(disks) + 1):
        for step in steps:
            write(disk, step)
        for _ in steps:
            replies.read(struct.unpack("<IIII", replies.read(16))[3])
print(n)
END
}
lines_of() { log_since "$said" | grep -E "^xenrecon: $1" | grep -vc suppressed || true; }
suppressed() {
    log_since "$said" | sed -nE "s/^xenrecon: (qdisk\/7\/[0-9]+|domain 7): ([0-9]+) more messages? w(as|ere) suppressed\$/\2/p" |
        awk '{ n += $1 } END { print n + 0 }'
}

# attack NAME ENOUGH DISKS STEP...: for four seconds, and until that function says so; sets took, in ms, and lines
attack() {
    local name=$1 enough=$2 disks=$3 begun used asked
    shift 3
    said=$(log_mark)
    asked=$(daemon 'd["store"]["requests"]')
    used=$(awk '{ print $14 + $15 }' "/proc/$xenrecon_pid/stat")
    begun=$(now_ms) # or a little earlier than it began
    flood "$disks" "$dir/enough" "$@" >"$dir/flood" &
    flooder=$!
    lasted() { [ "$(now_ms)" -ge $((begun + 4000)) ] && $enough; }
    becomes_true lasted || fail "$name: never enough"
    xenstore-write "$(b_of qdisk/8/2)/online" "$name"
    logged "$name: another guest's finding" "$said" '^xenrecon: qdisk/8/2: bad-value: '
    xenstore-write "$(b_of qdisk/8/2)/online" 1
    touch "$dir/enough"
    wait $flooder
    rm "$dir/enough"
    took=$(($(now_ms) - begun))
    used=$(($(awk '{ print $14 + $15 }' "/proc/$xenrecon_pid/stat") - used))
    asked=$(($(daemon 'd["store"]["requests"]') - asked))
    check "$name: what the other guest's disk has been through" "$(of qdisk/8/1 h)" "$quiet"
    lines=$(lines_of '(qdisk|domain)[ /]7')
    echo "figure: $name: $(cat "$dir/flood") writes to $disks disks in $took ms: $lines lines, $(suppressed) suppressed;" \
        "$asked requests to the store, $((used * 1000 / $(getconf CLK_TCK))) ms of CPU; $(daemon 'd["history"]["forgotten"]') records forgotten"
    check "$name: lines have a bound" "$([ "$lines" -le $((200 * (took / 10000 + 2))) ] && echo yes || echo "$lines")" yes
    # what begins a look is the guest's event; a probe, a pass and a transaction are at most 20 requests
    check "$name: looks have a bound" "$([ "$asked" -le $(((burst + rate * took / 1000 + 2 * disks) * 20)) ] && echo yes || echo "$asked")" yes
}

start_xenrecon --policies "$policies" --resync 0
for devid in 1 2; do
    attach_qdisk 8 $devid
    await "$(b_of qdisk/8/$devid)/state" 2
    play qdisk/8/$devid connect
    await "$(b_of qdisk/8/$devid)/state" 4
done
for ((devid = 1; devid <= 40; devid++)); do
    attach_qdisk 7 $devid
done
for ((devid = 1; devid <= 40; devid++)); do
    await "$(b_of qdisk/7/$devid)/state" 2
done
quiet=$(of qdisk/8/1 h)
check "it has been through something" "$(of qdisk/8/1 '[[a["action"] for a in d["actions"]] for d in h if d["actions"]]')" "[['create'], ['connect']]"
heard() { [ "$(lines_of qdisk/7)" -ge 40 ]; }
attack rings heard 10 ring-ref=? event-channel=9 state=3
attack toggles heard 40 state=1 state=6
# what cannot be understood is a finding, and another one each time
too_much() { [ "$(lines_of qdisk/7)" -ge 200 ] && [ "$(daemon 'd["history"]["forgotten"]')" -gt 0 ]; }
attack rubbish too_much 10 state=?
# Of one disk there is less. What is left out of it is told of the disk, not of the guest.
fewer() { [ "$(lines_of qdisk/7)" -ge 100 ]; }
attack "one disk" fewer 1 state=?
check "one disk: lines have a bound of its own" "$([ "$lines" -le $((100 * (took / 10000 + 2))) ] && echo yes || echo "$lines")" yes
left_out_of_it() { [ "$(log_since "$said" | grep -cE '^xenrecon: qdisk/7/1: [0-9]+ more messages? w(as|ere) suppressed$')" != 0 ]; }
becomes_true left_out_of_it || true
check "one disk: what is left out is said" "$(left_out_of_it && echo yes)" yes
# though nobody has anything to say any more
left_out() { [ "$(suppressed)" != 0 ]; }
becomes_true left_out || true
check "what is left out is said" "$(left_out && echo yes)" yes

# ---- with as little as is allowed to most: all of a guest's disks together are looked at no more often than that

rate=20
burst=10
sed -i "s/^limits: .*/limits: {events-per-second: $rate, burst: $burst}/" "$policies/qdisk.yaml"
kill -HUP "$xenrecon_pid"
logged "reloaded" 0 'policies reloaded'
events=$(daemon 'd["store"]["events"]')
flooded() { [ "$(daemon 'd["store"]["events"]')" -ge $((events + 2000)) ]; }
attack "states" flooded 40 state=2 state=1
