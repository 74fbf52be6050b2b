#!/bin/bash
# SPDX-License-Identifier: MIT
# In a driver domain: an unprivileged connection, a `backend` that comes with the first device, parents that are dom0's,
# and nobody else to remove what is Closed.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

backends=/local/domain/5/backend
policy_qdisk </dev/null
b=$(b_of qdisk/7/51712)
f=$(f_of qdisk/7/51712)
attach() { attach_qdisk "$@" --backend-domain 5; }
detach() { toolstack detach qdisk "$@" --backend-domain 5; }
end_player() { { kill "$player" && wait "$player"; } 2>/dev/null || true; }
perms() { xenstore-ls -fp "${1%/*}" | sed -n "s|^$1 = .*(\(.*\))\$|\1|p"; }

start_domain 5
start_domain 7

# ---- the rig: a domain is what Xen makes of it

check "introduced" "$(rigctl introduced 5)$(rigctl introduced 7)$(rigctl introduced 9)" TTF
check "relative paths" "$(as_domain 5 xenstore-read domid)$(as_domain 7 xenstore-read domid)" 57
attach 7 51712
check "B is ours, F the guest's, the parents dom0's" \
    "$(perms "$b") $(perms "$f") $(perms "${b%/*}") $(perms $backends/qdisk) $(perms $backends)" \
    "n5,r7 n7,r5 n0,r5 n0,r5 n0,r5"
as_domain 7 xenstore-write "device/vbd/51712/state" 1
denied=$(as_domain 7 xenstore-write "$b/state" 1 2>&1 || echo $?)
check "guests write F, and not B" "${denied: -1}" 1
denied=$(as_domain 5 xenstore-rm "${b%/*}" 2>&1 || echo $?)
check "we cannot remove parents" "${denied: -1}" 1
toolstack remove qdisk 7 51712 --backend-domain 5
timeout 120 xenstore-watch -n 3 @releaseDomain >"$dir/released" &
watcher=$!
until [ -s "$dir/released" ] || ! kill -0 $watcher; do
    sleep 0.02
done
start_domain 9
rigctl state 9 shutdown
stop_domain 9
status=0
wait $watcher || status=$?
check "@releaseDomain: at shutdown, and at the end" "$status $(rigctl introduced 9)" "0 F"

# ---- a whole life

check "nothing is there yet" "$(xenstore-exists $backends && echo there)" ""
as_domain 5 start_xenrecon --policies "$policies"
mark=$(trace_mark)
attach 7 51712
reach "InitWait" "$b/state" 2 "$b/feature-flush-cache" 1 "$b/hotplug-status" connected
check "plan, inside" "$(as_domain 5 verdict qdisk/7/51712)" "steady: info=stuck-connect"
check "explain, inside" "$(as_domain 5 "${xenrecon[@]}" explain --policies "$policies" qdisk/7/51712 | grep -c "$b")" 1
as_domain 7 play qdisk/7/51712 connect
reach "Connected" "$b/state" 4 "$f/state" 4
check "what we write has the permissions of B" "$(xenstore-ls -fp "$b" | grep -c '(n5,r7)$')" "$(xenstore-ls -f "$b" | wc -l)"
begun=$(now_ms)
detach 7 51712
reach "Closed" "$b/state" 6 "$f/state" 6
reach "B is removed" "$b" absent
held=$(($(now_ms) - begun))
check "Closed is held for a second" "$((held >= 1000))" 1
at_once "but not for longer" $((held - 1000))
played "the frontend ends"
check "B's states" "$(history "$mark" "$b")" 12456
check "the parents and F stay: they are the toolstack's" \
    "$(xenstore-ls -f $backends/qdisk) $(state_of "$f")" "$backends/qdisk/7 = \"\" 6"
check "we remove B, and do not try its parents" "$(changes_since "$mark" | grep ^RM)" "RM ($b )"
mark2=$(log_mark)
for _ in 1 2 3; do
    toolstack remove qdisk 7 51712 --backend-domain 5
    attach 7 51712
    await "$b/state" 2
    detach 7 51712
    await "$b" absent
done
check "again and again, without an error" "$(log_since "$mark2" | grep -cE 'error|failed|cannot|warning' || true)" 0

# ---- F vanishes: we read EACCES then

attach 7 51712
as_domain 7 play qdisk/7/51712 connect
await "$b/state" 4
xenstore-rm "$f"
reach "F vanishes: Closed" "$b/state" 6
check "and an orphan to plan" "$(as_domain 5 verdict qdisk/7/51712)" "orphan: warning=orphan"
end_player
detach 7 51712
reach "then it goes" "$b" absent
toolstack remove qdisk 7 51712 --backend-domain 5

# ---- F may not be read: as if it were gone, for this device alone

attach 7 51712
attach 7 51728
as_domain 7 xenstore-write "$f/ring-ref" 8 "$f/event-channel" 9 "$f/state" 3
as_domain 7 xenstore-write "${f/712/728}/ring-ref" 8 "${f/712/728}/event-channel" 10 "${f/712/728}/state" 3
await "$b/state" 4 "$(b_of qdisk/7/51728)/state" 4
as_domain 7 xenstore-chmod "$f/state" n7
reach "F may not be read: Closed" "$b/state" 6
check "F may not be read: its other device is served" "$(state_of "$(b_of qdisk/7/51728)")" 4
as_domain 7 xenstore-chmod "$f/state" n7 r5
as_domain 7 xenstore-write "$f/state" 1
reach "F may be read again: InitWait" "$b/state" 2
as_domain 7 xenstore-write "$f/state" 3
reach "F may be read again: Connected" "$b/state" 4
for id in 51712 51728; do
    detach 7 $id
    as_domain 7 xenstore-write "/local/domain/7/device/vbd/$id/state" 6
    await "$(b_of qdisk/7/$id)" absent
    toolstack remove qdisk 7 $id --backend-domain 5
done

# ---- libxl destroys the guest: it writes Closed with online=1, and waits until B has vanished

attach 7 51712
as_domain 7 play qdisk/7/51712 connect
await "$b/state" 4
mark=$(trace_mark)
xenstore-write "$b/state" 6
reach "destroyed: B is removed" "$b" absent
check "destroyed: Closed was not answered" "$(history "$mark" "$b")" 6
end_player
toolstack remove qdisk 7 51712 --backend-domain 5

# ---- the guest dies, its id is used again at once

attach 7 51712
attach 7 51728
as_domain 7 play qdisk/7/51712 connect
await "$b/state" 4 "$(b_of qdisk/7/51728)/state" 2
old=$(incarnation_of qdisk/7/51712)
mark=$(trace_mark)
end_player
stop_domain 7
start_domain 7
reach "the guest dies: Closed" "$b/state" 6
# what libxl does of the old one, and then with the new
xenstore-rm "$b"
attach 7 51712
reach "the new guest's device: InitWait" "$b/state" 2
check "with an incarnation of its own" "$([ "$(incarnation_of qdisk/7/51712)" != "$old" ] && echo new)" new
as_domain 7 play qdisk/7/51712 connect
reach "and Connected" "$b/state" 4
check "the old one's other device was closed, and not taken for the new one's" \
    "$(history "$mark" "$(b_of qdisk/7/51728)")" 6
detach 7 51728
reach "it goes" "$(b_of qdisk/7/51728)" absent
check "nothing else happened to the new device" "$(state_of "$b")" 4

# all within one turn of ours: the domain, its device and its successor
old=$(incarnation_of qdisk/7/51712)
end_player
kill -STOP "$xenrecon_pid"
stop_domain 7
xenstore-rm "$b"
start_domain 7
attach 7 51712
kill -CONT "$xenrecon_pid"
reach "reborn unseen: InitWait" "$b/state" 2
check "reborn unseen: another incarnation" "$([ "$(incarnation_of qdisk/7/51712)" != "$old" ] && echo new)" new
as_domain 7 play qdisk/7/51712 connect
reach "reborn unseen: Connected" "$b/state" 4
detach 7 51712
reach "reborn unseen: gone" "$b" absent
played "reborn unseen: its frontend ends"
toolstack remove qdisk 7 51712 --backend-domain 5

# ---- events get lost

stop_xenrecon
stop_domain 5
stop_domain 7
stop_store
# It forgets events that a domain leaves unread for a second, instead of twenty
start_store --timeout watch-event=1
start_domain 5
start_domain 7
as_domain 5 start_xenrecon --policies "$policies" --resync 2
mark=$(trace_mark)
kill -STOP "${rings[5]}"
all=()
for id in $(seq 100 141); do
    attach 7 "$id"
    all+=("$(b_of "qdisk/7/$id")/state" 2)
done
sleep 2 # longer than the store keeps an event
kill -CONT "${rings[5]}"
reach "a ring that was stopped: every device gets to InitWait" "${all[@]}"
told=$(tail -c +$((mark + 1)) "$dir/trace" | grep -o "WATCH_EVENT ($backends/qdisk/7/1[0-4][0-9]/params" | sort -u | wc -l)
check "and that was the resync: not all were announced" "$((told < 42))" 1
