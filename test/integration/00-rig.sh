#!/bin/bash
# SPDX-License-Identifier: MIT
# The rig alone: the store is a real one, and its players do what they say. Here the test itself plays the backend.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"

b=/local/domain/0/backend/qdisk/7/51712
f=/local/domain/7/device/vbd/51712
perms() { xenstore-ls -fp "${1%/*}" | sed -n "s|^$1 = .*(\(.*\))\$|\1|p"; }
dump() { xenstore-ls -f "$1" | sed "s|^/local/domain/||"; }
backend() { for state; do xenstore-write $b/state "$state"; done; }
# ends NAME PID STATUS
ends() {
    local status=0
    wait "$2" || status=$?
    check "$1" $status "$3"
}

# ---- grants and event channels

selftest || failures=$((failures + 1))

start_domain 5 64 grants
maps() { rigctl maps 5 | sed 's/ pid.*//' | tr '\n' ' '; }
check "a domain with grants: the store has its page" "$(maps)" "page 1 "
rigctl grant 5 9 7 ro
check "grant: not beyond the memory" "$(rigctl grant 5 64 7 2>/dev/null || echo $?)" 1
rigctl revoke 5 1
check "revoke: what is mapped stays" "$(maps)" "page 1 "
check "the domain speaks to the store" "$(as_domain 5 xenstore-read domid)" 5
stop_domain 5
check "a dead domain: the store has let go of its page" "$(maps)" ""
toolstack domain-destroy 5

# ---- attach and detach

mark=$(trace_mark)
toolstack attach qdisk 7 51712 params=raw:/dev/null 'type=q d' F:virtual-device=51712
check "attach: F" "$(dump $f)" "\
7/device/vbd/51712/backend = \"$b\"
7/device/vbd/51712/backend-id = \"0\"
7/device/vbd/51712/state = \"1\"
7/device/vbd/51712/virtual-device = \"51712\""
check "attach: B" "$(dump $b)" "\
0/backend/qdisk/7/51712/frontend = \"$f\"
0/backend/qdisk/7/51712/frontend-id = \"7\"
0/backend/qdisk/7/51712/params = \"raw:/dev/null\"
0/backend/qdisk/7/51712/type = \"q d\"
0/backend/qdisk/7/51712/online = \"1\"
0/backend/qdisk/7/51712/state = \"1\""
check "attach: permissions" "$(perms $f) $(perms $f/state) $(perms $b) $(perms $b/state) $(perms /local/domain/7/device)" \
    "n7,r0 n7,r0 n0,r7 n0,r7 n0,r7"
check "attach: one transaction" "$(trace_since "$mark" | grep -c ^TRANSACTION_END)" 1

toolstack detach qdisk 7 51712
check "detach: Closing, not online" "$(state_of $b) $(xenstore-read $b/online)" "5 0"
toolstack close qdisk 7 51712
toolstack detach qdisk 7 51712
check "detach: leaves Closed alone" "$(state_of $b)" 6
toolstack remove qdisk 7 51712
check "remove: nothing is left but the domain" "$(xenstore-ls -f /local)" \
    $'/local/domain = ""\n/local/domain/7 = ""\n/local/domain/0 = ""'
check "detach: an error when there is no such device" "$(toolstack detach qdisk 7 51712 2>/dev/null || echo $?)" 1

toolstack attach vkbd 7 0 --online 0 --state 6 --frontend other -- remove vkbd 7 0 -- attach vkbd 7 1
check "several commands in one process" "$(xenstore-ls -f /local/domain/0 | grep -c /state)" 1
toolstack domain-destroy 7
check "domain-destroy" "$(state_of /local/domain/7/device/vkbd/1) $(state_of /local/domain/0/backend/vkbd/7/1)" "absent 1"
toolstack remove vkbd 7 1

# ---- wait

check "wait: holds already" "$(toolstack wait $b absent $f/state absent --timeout-ms 0 && echo yes)" yes
check "wait: says what it has" "$(toolstack wait $b/state 2 --timeout-ms 50 2>&1 || echo $?)" \
    $'toolstack: '"$b/state is absent, not 2"$'\n1'
toolstack wait $b/state 2 $b/x y &
waiter=$!
backend 1 2
xenstore-write $b/x z $b/state 3 $b/x y
sleep 0.1
check "wait: all at once" "$(kill -0 $waiter && echo waiting)" waiting
backend 2
ends "wait: woken" $waiter 0
xenstore-rm $b

# ---- slowly and burst

mark=$(trace_mark)
toolstack slowly qdisk 7 51712 --pause-ms 1 params=x
check "slowly: key by key, in order" \
    "$(trace_since "$mark" | sed -n 's/^WRITE (.*\(device\|qdisk\).*\/\([a-z-]*\) .*/\2/p' | tr '\n' ' ')" \
    "backend backend-id state frontend frontend-id params online state "
check "slowly: without a transaction" "$(trace_since "$mark" | grep -c TRANSACTION || true)" 0
toolstack remove qdisk 7 51712

check "burst: milliseconds" "$(toolstack burst vkbd 9 100 30 a=b | grep -c '^[0-9]*$')" 1
check "burst: devices" "$(xenstore-ls -f | grep -c '/backend/vkbd/9/1[0-2][0-9]/state = "1"')" 30
toolstack domain-destroy 9
xenstore-rm /local/domain/0/backend/vkbd

# ---- frontends

# play PROGRAM [OPTION...]: starts one on a fresh device
play() {
    toolstack attach qdisk 7 51712
    frontend "$@" $f &
    player=$!
}
# over NAME STATES: it ended well, and this is how F's state went since $mark
over() {
    ends "$1: ends" $player 0
    check "$1: states" "$(trace_since "$mark" | sed -n "s|^WRITE ($f/state \(.\).*|\1|p" | tr -d '\n')" "$2"
    toolstack remove qdisk 7 51712
}

mark=$(trace_mark)
play connect
sleep 0.1
check "connect: waits for InitWait" "$(state_of $f)" 1
backend 2
reach "connect: publishes its ring" $f/state 3 $f/ring-ref 8 $f/event-channel 9
backend 4
reach "connect: Connected" $f/state 4
backend 5
over "connect: closes with the backend" 1346

mark=$(trace_mark)
play reload
backend 2 && await $f/state 3 && backend 4
await $f/state 5 && backend 5
await $f/state 6 && backend 6
await $f/state 1 && backend 2
reach "reload: another ring" $f/state 3 $f/ring-ref 10 $f/event-channel 11
backend 4 && await $f/state 4 && toolstack detach qdisk 7 51712
over reload 134561346

mark=$(trace_mark)
play never-close --once
backend 2 && await $f/state 3 && backend 4
ends "never-close: connects, once" $player 0
frontend never-close $f &
player=$!
toolstack detach qdisk 7 51712
sleep 0.1
check "never-close: stays" "$(state_of $f) $(kill -0 $player && echo running)" "4 running"
toolstack remove qdisk 7 51712
ends "never-close: until the device is gone" $player 0

mark=$(trace_mark)
play eager --once
await $f/state 3 && backend 4
over eager 134

mark=$(trace_mark)
play restart-fast --once
backend 2 && await $f/state 3 && backend 4
over restart-fast 13456134

mark=$(trace_mark)
play kexec --once
backend 2 && await $f/state 3 && backend 4
over kexec 134134

mark=$(trace_mark)
play flap --once --rounds 3
backend 2 && await $f/state 3 && backend 4
for _ in 1 2 3; do
    await $f/state 5 && backend 6 && await $f/state 1 && backend 2 && await $f/state 3 && backend 4
done
over flap 134561345613456134

play connect --timeout-ms 100 2>"$dir/err"
ends "a frontend that hangs" $player 1
check "says where" "$(cat "$dir/err")" "frontend: $f: connect hangs at step ?2 of '1 ?2 r 3 ?4 4 | f': F 1, B 1"
toolstack remove qdisk 7 51712

# ---- xsload

cat >"$dir/store" <<'END'
# a comment

/local/domain/0/backend/qdisk/7/1/params = "a "b" = "c"\t\n\\\001\xc3\xa9"
/vm/x = ""
END
xenstore-write /local/old 1 /libxl/old 1
xsload --clear "$dir/store"
check "xsload: what it read comes out again" "$(xenstore-ls -f /local/domain/0/backend/qdisk | tail -n 1)" \
    "$(sed -n 3p "$dir/store")"
check "xsload: what was there is gone" "$(xenstore-ls -f / | grep -c old || true)" 0
for line in 'local = "x"' '/x "x"' '/x = "x' '/x = "x" y' '/x = "\q"' '/x = "cut\..."' '/x = "\x4"' '/x = "\777"' \
    '/x y = "z"'; do
    printf '/good = ""\n%s\n' "$line" >"$dir/bad"
    check "xsload: refuses $line" "$(xsload "$dir/bad" 2>&1 | grep -o 'bad:2: ') $(xenstore-ls -f / | grep -c good || true)" \
        "bad:2:  0"
done
xsload --clear
check "xsload: --clear alone" "$(xenstore-ls -f /)" ""

# ---- the store

mark=$(trace_mark)
xenstore-read / >"$dir/read"
to=$(trace_mark)
check "trace: a request of one connection" \
    "$(requests_between "$mark" "$to" "$(connection_of "$mark" "READ (/ ")") $(trace_between "$mark" "$to")" "1 READ (/ )"

# trace_of LINE...: what is made of a trace that has them: each request, and how many messages have left
trace_of() {
    (
        dir=$dir/traces
        mkdir -p "$dir"
        printf '%s\n' "$@" >"$dir/trace"
        trace_lines 0 "$(trace_mark)"
        trace_awk '$1 == "OUT" { print $5 }' | paste -sd ' '
    )
}
want='0x5a#1 WATCH (@releaseDomain b )
0x5b#1 WRITE (/a io: IN 0x5b (d0) x )
0x5a#2 READ (/a )
WATCH WATCH_EVENT ERROR'
check "trace: as xenstored 4.17 writes it" "$(trace_of "CREATE connection 0x5a" \
    "IN 0x5a 20261130 04:05:08 WATCH (@releaseDomain b )" "OUT 0x5a 20261130 04:05:08 WATCH (OK )" \
    "OUT 0x5a 20261130 04:05:08 WATCH_EVENT (@releaseDomain b )" "CREATE connection 0x5b" \
    "IN 0x5b 20261130 04:05:08 WRITE (/a io: IN 0x5b (d0) x )" "OUT 0x5b 20261130 04:05:08 ERROR (EACCES )" \
    "DESTROY connection 0x5a" "CREATE connection 0x5a" "IN 0x5a 20261130 04:05:08 READ (/a )")" "$want"
check "trace: as xenstored 4.20 writes it" "$(trace_of "obj: CREATE connection 0x5a" \
    "io: IN 0x5a (d0) 20261130 04:05:08 WATCH (@releaseDomain b )" "io: OUT(START) 0x5a (d0) 20261130 04:05:08 WATCH (OK )" \
    "io: OUT(END) 0x5a (d0) 20261130 04:05:08 WATCH (OK )" \
    "io: OUT 0x5a (d0) 20261130 04:05:08 WATCH_EVENT (@releaseDomain b )" "obj: CREATE connection 0x5b" \
    "io: IN 0x5b (d12) 20261130 04:05:08 WRITE (/a io: IN 0x5b (d0) x )" "io: OUT(START) 0x5b (d12) 20261130 04:05:08 ERROR (EACCES )" \
    "io: OUT(END) 0x5b (d12) 20261130 04:05:08 ERROR (EACCES )" "wrl: dom 12" "obj: DESTROY connection 0x5a" \
    "obj: CREATE connection 0x5a" "io: IN 0x5a (d0) 20261130 04:05:08 READ (/a )")" "$want"
stop_store
start_store
check "a stopped store comes up empty" "$(xenstore-ls -f /local 2>/dev/null || echo nothing)" nothing
