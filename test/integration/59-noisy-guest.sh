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

# attack NAME LINES DISKS STEP...: until so many lines were logged, or more left out, and records were forgotten
attack() {
    local name=$1 wanted=$2 disks=$3 begun used asked took lines forgotten
    shift 3
    said=$(log_mark)
    asked=$(daemon 'd["store"]["requests"]')
    forgotten=$(daemon 'd["history"]["forgotten"]')
    used=$(awk '{ print $14 + $15 }' "/proc/$xenrecon_pid/stat")
    begun=$(now_ms)
    flood "$disks" "$dir/enough" "$@" >"$dir/flood" &
    flooder=$!
    enough() {
        [ "$(now_ms)" -ge $((begun + 4000)) ] && { [ "$(lines_of qdisk/7)" -ge "$wanted" ] || [ "$(suppressed)" != 0 ]; } &&
            [ "$(daemon 'd["history"]["forgotten"]')" -gt "$forgotten" ]
    }
    becomes_true enough || true
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
    # though nobody has anything to say any more
    said_so() { [ "$(lines_of qdisk/7)" -lt 200 ] || [ "$(suppressed)" != 0 ]; }
    becomes_true said_so || true
    lines=$(lines_of '(qdisk|domain)[ /]7')
    echo "figure: $name: $(cat "$dir/flood") writes to $disks disks in $took ms: $lines lines, $(suppressed) suppressed;" \
        "$asked requests to the store, $((used * 1000 / $(getconf CLK_TCK))) ms of CPU; $(daemon 'd["history"]["forgotten"]') records forgotten"
    check "$name: lines have a bound" "$([ "$lines" -le $((200 * (took / 10000 + 2))) ] && echo yes || echo "$lines")" yes
    check "$name: what is left out is said" "$(said_so && echo yes)" yes
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
attack rings 200 10 ring-ref=? event-channel=9 state=3
attack toggles 1 40 state=1 state=6
