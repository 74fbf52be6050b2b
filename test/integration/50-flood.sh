#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that writes its F/state as fast as it can: it is looked at as often as the policy allows, others do not wait for
# it, and what it left in the end is found.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

rate=20
burst=10
policy_qdisk <<END
limits: {events-per-second: $rate, burst: $burst}
END
# flood FILE: connects, says how many writes it made until there was the file, and leaves a frontend that wants to be
# connected
flood() {
    python3 - "$1" "$XENSTORED_PATH" "$(f_of qdisk/7/1)" <<'END'
import os, socket, struct, sys
enough, path, f = sys.argv[1:]
store = socket.socket(socket.AF_UNIX)
store.connect(path)
replies = store.makefile("rb")
def write(key, value):
    body = f"{f}/{key}".encode() + b"\0" + value
    store.sendall(struct.pack("<IIII", 11, 0, 0, len(body)) + body)  # XS_WRITE
def answered():
    replies.read(struct.unpack("<IIII", replies.read(16))[3])
write("flooding", b"1")
answered()
n = 0
while n <= 1000 or not os.path.exists(enough):
    for state in b"2", b"1", b"2", b"1":
        write("state", state)
    for _ in range(4):
        answered()
    n += 4
for key, value in ("ring-ref", b"8"), ("event-channel", b"9"), ("state", b"3"):
    write(key, value)
    answered()
print(n)
END
}

# looks: every one reads this once, or twice when the second is in the transaction that writes
looks() { trace_since "$mark" "$xenrecon_connection" | grep -c "^READ ($(f_of qdisk/7/1)/state " || true; }

# attach_some ID...: other devices of this guest, and of others; sets how long the slowest took to get to InitWait
attach_some() {
    local id since took
    slowest=0
    for id; do
        since=$(now_ms)
        attach_qdisk $((id % 3 + 7)) "$id"
        await "$(b_of qdisk/$((id % 3 + 7))/"$id")/state" 2
        took=$(($(now_ms) - since))
        [ $took -le $slowest ] || slowest=$took
    done
}

start_xenrecon --policies "$policies" --resync 0
attach_qdisk 7 1
await "$(b_of qdisk/7/1)/state" 2
await_quiet 100
attach_some 10 11 12 13
alone=$slowest
await_quiet 100
mark=$(trace_mark)
used=$(awk '{ print $14 + $15 }' "/proc/$xenrecon_pid/stat")
begun=$(now_ms)
flood "$dir/enough" >"$dir/flood" &
flooder=$!
await "$(f_of qdisk/7/1)/flooding" 1
attach_some 2 3 4 5 6 7 8 9
pass "others are attached meanwhile"
# Two seconds of it at least, so that the burst is not all that is allowed; on a busy machine, as long as it takes
looked() { [ "$(now_ms)" -ge $((begun + 2000)) ] && [ "$(looks)" -ge $burst ]; }
becomes_true looked || true
touch "$dir/enough"
wait $flooder
reach "it converges when it stops" "$(b_of qdisk/7/1)/state" 4
took=$(($(now_ms) - begun))
used=$(($(awk '{ print $14 + $15 }' "/proc/$xenrecon_pid/stat") - used))
looks=$(looks)
allowed=$(((burst + rate * took / 1000) * 2 + 4))
echo "figure: $(cat "$dir/flood") writes in $took ms: $looks looks ($burst and $rate a second are allowed), $((used * 1000 / $(getconf CLK_TCK))) ms of CPU;" \
    "others were InitWait after at most $slowest ms, without it $alone ms"
check "it floods" "$([ "$(cat "$dir/flood")" -gt 1000 ] && echo yes)" yes
check "it is looked at no more often than allowed" "$([ "$looks" -le $allowed ] && echo yes)" yes
check "but it is looked at" "$([ "$looks" -ge "$burst" ] && echo yes)" yes
check "nobody waits for it" "$([ "$slowest" -lt $((alone * 10 + 1000)) ] && echo yes)" yes
check "the toolstack is not held for it" "$(toolstack detach qdisk 7 1 -- wait "$(b_of qdisk/7/1)/state" 5 --timeout-ms 0 && echo yes)" yes
