#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that does all that xenstore lets it do, in a domain of its own: after each attack the store is the same as
# before, but for what is below the guest's own directory and below its own devices' backends; another guest's device is
# Connected all the while, and a third one's is attached and detached meanwhile.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
destroy: {frontend: true, parents: true}
hold: {closed: 50ms}
retry: {initial: 10ms, max: 100ms}
END
start_domain 7
start_domain 8
start_xenrecon --policies "$policies" --log-format json --metrics-file "$dir/metrics"
attach_qdisk 8 1
as_domain 8 play qdisk/8/1 connect
other=$(b_of qdisk/8/1)
await "$other/state" 4 "$(f_of qdisk/8/1)/state" 4
other_marker=$(xenstore-read "$other/xenrecon")
attach_qdisk 7 1
b=$(b_of qdisk/7/1)
f=$(f_of qdisk/7/1)
await "$b/state" 2

toolstack domain-create 9

guest() { as_domain 7 "$@"; }
# The store, without what is the guest's own, or the third one's that comes and goes
rest() { xenstore-ls -fp / | grep -vE "^(/local/domain/[79]|$backends/qdisk/7)[/ ]" || true; }

# raw PROGRAM: the guest speaks to the store by itself: write(), read(), begin(), end(), remove() in Python, and f, its device
raw() {
    RIG_DOMID=7 python3 - "$dir/dom7.socket" "$f" <<END
import socket, struct, sys, time
f = sys.argv[2]
store = socket.socket(socket.AF_UNIX)
store.connect(sys.argv[1])
replies = store.makefile("rb")
def ask(kind, body, tx=0):
    store.sendall(struct.pack("<IIII", kind, 0, tx, len(body)) + body)
    kind, _, _, length = struct.unpack("<IIII", replies.read(16))
    body = replies.read(length)
    return kind != 16, body.rstrip(b"\0").decode(errors="replace")
def write(key, value, tx=0):
    return ask(11, f"{f}/{key}".encode() + b"\0" + (value if isinstance(value, bytes) else str(value).encode()), tx)
def read(key, tx=0):
    return ask(2, f"{f}/{key}".encode() + b"\0", tx)
def remove(key):
    return ask(13, (f"{f}/{key}" if key else f).encode() + b"\0")
def begin():
    return int(ask(6, b"\0")[1])
def end(tx, commit=True):
    return ask(7, (b"T" if commit else b"F") + b"\0", tx)
$1
END
}

n=0
# attack NAME FUNCTION: nothing but its own is changed, and nobody else waits
attack() {
    local before id=$((100 + ++n))
    await_quiet 100
    before=$(rest)
    "$2" >"$dir/said" 2>&1 &
    local attacker=$!
    attach_qdisk 9 $id
    reach "$1: another is attached meanwhile" "$(b_of qdisk/9/$id)/state" 2
    toolstack detach qdisk 9 $id
    reach "$1: and detached" "$(b_of qdisk/9/$id)" absent
    wait $attacker || {
        cat "$dir/said"
        fail "$1: the attack itself failed"
    }
    await_quiet 100
    toolstack remove qdisk 9 $id 2>/dev/null || true
    check "$1: all else in the store is as it was" "$(diff <(echo "$before") <(rest) || true)" ""
    check "$1: the other guest's device is" "$(state_of "$other") $(xenstore-read "$other/xenrecon")" "4 $other_marker"
}

# good NAME: afterwards, a driver that behaves is served
good() {
    xenstore-exists "$f" || {
        toolstack remove qdisk 7 1
        attach_qdisk 7 1
    }
    guest xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9 "$f/state" 3
    reach "$1: a driver that behaves is served" "$b/state" 4
    guest xenstore-write "$f/state" 4
}

# ---- states and values

values() {
    raw '
long = b"4" * 2000  # no more is allowed
for key in "state", "ring-ref", "event-channel", "protocol", "online", "hotplug-status", "xenrecon":
    for value in b"", b"-1", b"99999999999999999999", b"4\n", b"\x1b[2J\x1b]0;x\a", b"\xff\xfe\0\1", b"../../0/backend", b"%s%n", b"4294967296", long:
        write(key, value)
write("state", 3)
for key in "ring-ref", "event-channel":
    for value in range(-3, 3): write(key, value)
write("state", 1)
'
}
attack "values" values
toggles() {
    raw '
import random
random.seed(7)
for _ in range(600):
    write("state", random.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    write("ring-ref", random.randrange(100))
'
}
attack "toggling" toggles
good "toggling"

# ---- nodes

nodes() {
    raw '
made = 0
for i in range(3000):
    made += write(f"x{i % 7}/y{i}", b"z" * 100)[0]
    if i % 100 == 0: write("state", 4)
print(made)
for i in range(7): remove(f"x{i}")
'
    [ "$(cat "$dir/said")" -gt 500 ] # as many as its quota allows
}
attack "nodes" nodes
for i in {1..3000}; do
    echo "$f/n$((i % 9))/x$i = \"$i\""
done >"$dir/tree"
mark=$(trace_mark)
xsload "$dir/tree"
guest xenstore-write "$f/state" 4
await_quiet 100
check "thousands of nodes: they are not even looked at" \
    "$(trace_since "$mark" "$xenrecon_connection" | grep -cE "DIRECTORY|$f/n" || true)" 0
check "thousands of nodes: a few requests" "$(($(trace_since "$mark" "$xenrecon_connection" | wc -l) < 20))" 1
for i in {0..8}; do xenstore-rm "$f/n$i"; done

# ---- transactions

transactions() {
    raw '
open_ = [begin() for _ in range(8)]  # and never ended
for tx in open_: read("state", tx), write("state", 4, tx)
until = time.monotonic() + 1.5
conflicts = 0
while time.monotonic() < until:
    write("state", 5), write("state", 4)
    tx = begin()
    write("state", 4, tx)
    conflicts += not end(tx)[0]
write("state", 6)
'
}
attack "transactions" transactions
guest xenstore-write "$f/state" 1
good "transactions"

# ---- where it says its backend is, and other devices that it makes up

places=("$other" /local/domain/0 /local/domain/0/backend /local/domain/0/backend/qdisk / "" ../../../0/backend/qdisk/8/1 "$b/.." "$b/../../8/1" "$b/"
    /local/domain/7/device/vbd/1 /vm @releaseDomain $'\e[2J' "$(printf '%01900d' 7)" "backend/qdisk/8/1")
elsewhere() {
    local place
    for place in "${places[@]}"; do
        guest xenstore-write -- "$f/backend" "$place" "$f/backend-id" 8 "$f/state" 5
        guest xenstore-write "$f/state" 6
        guest xenstore-write "$f/state" 1
    done
}
attack "a backend elsewhere" elsewhere
for i in "${!places[@]}"; do # and is detached with each of them
    id=$((200 + i))
    attach_qdisk 7 $id
    await "$(b_of qdisk/7/$id)/state" 2
    guest xenstore-write -- "$(f_of qdisk/7/$id)/backend" "${places[i]}"
done
detached() {
    local i all=()
    for i in "${!places[@]}"; do
        toolstack detach qdisk 7 $((200 + i))
        all+=("$(b_of qdisk/7/$((200 + i)))" absent)
    done
    toolstack wait "${all[@]}" --timeout-ms "$AWAIT_MS"
}
attack "detached with a backend elsewhere" detached
left=0
for i in "${!places[@]}"; do
    ! xenstore-exists "$(f_of qdisk/7/$((200 + i)))" || left=$((left + 1))
    xenstore-rm "$(f_of qdisk/7/$((200 + i)))" 2>/dev/null || true
done
check "and its F is left where it is: it is not this backend's" "$left" "${#places[@]}"
xenstore-chmod /local/domain/7/device n7 # not as libxl has it
xenstore-chmod /local/domain/7/device/vbd n7
xenstore-write /local/domain/7/error "" && xenstore-chmod /local/domain/7/error n7
made_up() {
    local i
    for i in "${!places[@]}"; do
        guest xenstore-write -- "device/vbd/$((300 + i))/backend" "${places[i]}" "device/vbd/$((300 + i))/state" 4 \
            "device/@-_x/$i/backend" "${places[i]}" "device/$i" "${places[i]}"
    done
    guest xenstore-write "device/qdisk/1/state" 4
    guest xenstore-write -- "error/device/vbd/1/error" $'5 \e]0;owned\a</script>\x9b31m\nxenrecon: done\r'
}
attack "devices that it makes up" made_up

# ---- what is not there any more, and what may not be read

vanishing() {
    raw '
for _ in range(20):
    remove("")
    write("state", 1)
    write("ring-ref", 8)
'
}
attack "its directory gone and back" vanishing
toolstack remove qdisk 7 1
attach_qdisk 7 1
good "a new one"
permissions() {
    guest xenstore-chmod "$f/state" n7 w8
    as_domain 8 xenstore-write "$f/state" 5
    await "$b/state" 5
    guest xenstore-chmod "$f/state" n7
    guest xenstore-write "$f/state" 6
}
attack "permissions that it gives to another" permissions
guest xenstore-write "$f/state" 1
good "in the end"

# ---- what is said of it, wherever that is

for format in text json html; do
    "${xenrecon[@]}" plan --policies "$policies" --format $format
done >"$dir/everything"
"${xenrecon[@]}" explain --policies "$policies" qdisk/7/1 >>"$dir/everything"
for command in "status" "history"; do
    for format in text json; do
        "${xenrecon[@]}" $command --runtime-dir "$dir/run" --color never --format $format qdisk/7/1
    done
done >>"$dir/everything"
stop_xenrecon
cat "$dir/metrics" "$dir/xenrecon.log" >>"$dir/everything"
check "no control characters, nor bidirectional ones, in whatever is printed" "$(python3 - "$dir/everything" <<'END'
import sys, unicodedata
text = open(sys.argv[1], "rb").read().decode(errors="surrogateescape")
print([c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"][:9], len(text) > 20000)
END
)" "[] True"
check "each line of the log is JSON, and the log's own" "$(python3 - "$dir/xenrecon.log" <<'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
print(len(lines) > 20, {key for line in lines for key in line} - {"time", "level", "message", "device", "row", "action", "finding"})
END
)" "True set()"
check "the metrics know nothing of it" "$(grep -c 'owned\|@-_x\|qdisk/' "$dir/metrics" || true)" 0
echo "figure: $n attacks, $(grep -c '"level"' "$dir/xenrecon.log") lines in the log"
