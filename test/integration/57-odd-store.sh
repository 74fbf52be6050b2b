#!/bin/bash
# SPDX-License-Identifier: MIT
# Stores that are somebody else's: answers that nobody asked for, answers that never come, requests that they do not know, and
# connections that they end after a few messages.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
# shellcheck source=test/lib/odd.sh
. "$repo/test/lib/odd.sh"

policy_qdisk <<<"hold: {closed: 100ms}"
: >"$dir/xenrecon.log"
# begin NAME RULE...: xenrecon, on such a store
begin() {
    name=$1
    said=$(log_mark)
    odd "${@:2}"
    at_odd start_xenrecon --policies "$policies" --resync 0
}
# life DOMID DEVID: a device is served, connected, and goes
life() {
    local b f
    b=$(b_of "qdisk/$1/$2")
    f=$(f_of "qdisk/$1/$2")
    attach_qdisk "$1" "$2"
    reach "$name: InitWait" "$b/state" 2
    play "qdisk/$1/$2" connect
    reach "$name: Connected" "$b/state" 4 "$f/state" 4
    toolstack detach qdisk "$1" "$2"
    reach "$name: gone" "$b" absent
    played "$name: its frontend ends"
    toolstack remove qdisk "$1" "$2"
}
said_times() { log_since "$said" | grep -cE "$1" || true; }
finish_odd() {
    stop_xenrecon
    end_odd
}

# ---- what nobody asked for

for n in 1 7; do
    begin "inventions, each $n" invent=$n
    life 7 1
    check "$name: on one connection" "$(odd_did connected) $(said_times 'is lost')" "1 0"
    times=$(odd_did invented)
    check "$name: said, and seldom" "$((times > 5 && $(said_times 'nobody asked') > 1 && $(said_times 'nobody asked') < 12))" 1
    finish_odd
done

# ---- answers that never come

for rule in READ/41 DIRECTORY/3 TRANSACTION_END/2 any/37; do
    begin "no answer to $rule" drop=$rule
    attach_qdisk 7 1
    attach_qdisk 8 1
    reach "$name: served" "$(b_of qdisk/7/1)/state" 2 "$(b_of qdisk/8/1)/state" 2
    xenstore-write "$(f_of qdisk/7/1)/ring-ref" 8 "$(f_of qdisk/7/1)/event-channel" 9 "$(f_of qdisk/7/1)/state" 3
    reach "$name: connected" "$(b_of qdisk/7/1)/state" 4
    toolstack detach qdisk 8 1
    toolstack remove qdisk 8 1
    xenstore-write "$(f_of qdisk/7/1)/state" 6
    toolstack detach qdisk 7 1
    reach "$name: gone" "$(b_of qdisk/7/1)" absent
    toolstack remove qdisk 7 1
    check "$name: on one connection" "$(odd_did connected)" 1
    finish_odd
done

# ---- it does not say which domains are there, as it should after @releaseDomain

# orphaned DOMID: its device is Closed once it is gone
orphaned() {
    start_domain "$1"
    attach_qdisk "$1" 1
    await "$(b_of "qdisk/$1/1")/state" 2
    as_domain "$1" xenstore-write device/vbd/1/ring-ref 8 device/vbd/1/event-channel 9 device/vbd/1/state 3
    await "$(b_of "qdisk/$1/1")/state" 4
    stop_domain "$1"
    reach "$name: domain $1 is gone: Closed" "$(b_of "qdisk/$1/1")/state" 6
    xenstore-rm "$(b_of "qdisk/$1/1")"
    xenstore-rm "/local/domain/$1"
}
# asked_of MARK PATH: xenrecon has read it
asked_of() { trace_since "$1" "$xenrecon_connection" | grep -qE "^READ \($2 "; }
for rule in drop refuse:ENOSYS refuse:EINVAL refuse:EACCES nameless; do
    of=IS_DOMAIN_INTRODUCED
    kind=$of
    [[ $rule != *:* ]] || kind=$of:${rule#*:}
    begin "introduced or not: $rule" "${rule%:*}=$kind"
    attach_qdisk 9 1 # not gone
    await "$(b_of qdisk/9/1)/state" 2
    orphaned 7
    logged "$name: said" "$said" 'does not say which domains'
    asked=$(odd_did "[a-z]* $of")
    mark=$(trace_mark)
    orphaned 8
    check "$name: at the next one's end its directory is read" \
        "$(becomes_true asked_of "$mark" /local/domain/9 && echo yes)" yes
    check "$name: said once" "$(said_times 'does not say which domains')" 1
    check "$name: and not asked again" "$(odd_did "[a-z]* $of")" "$asked"
    check "$name: the other device is as it was" "$(state_of "$(b_of qdisk/9/1)")" 2
    toolstack remove qdisk 9 1
    finish_odd
done

# ---- directories that are too long for a message

many=()
for ((id = 1000000000; id < 1000000400; id++)); do
    many+=("$backends/qdisk/18/$id/online" 1)
done
for rule in drop=DIRECTORY_PART refuse=DIRECTORY_PART:ENOSYS nameless=DIRECTORY_PART; do
    xenstore-write "${many[@]}"
    begin "no parts: $rule" "$rule"
    attach_qdisk 9 1
    reach "$name: others are served" "$(b_of qdisk/9/1)/state" 2
    check "$name: said once" "$(said_times 'does not list directories in parts')" 1
    attach_qdisk 18 1000000999
    reach "$name: one that comes is found" "$(b_of qdisk/18/1000000999)/state" 2
    finish_odd
    xenstore-rm /local/domain/0/backend/qdisk
    xenstore-rm /local/domain/18
    xenstore-rm /local/domain/9
done

# What is below belongs to other guests: a store does not give anything to one that is gone.

# ---- the first event of a watch does not come

begin "no first events" no-first-event
life 21 1
finish_odd

# ---- it ends the connection after so many messages

for n in 5 37 211; do
    attach_qdisk 21 1
    said=$(log_mark)
    odd hangup=$n
    XENSTORED_PATH=$dir/odd "${xenrecon[@]}" run --policies "$policies" --runtime-dir "$dir/run" --resync 0 \
        </dev/null >>"$dir/xenrecon.log" 2>&1 &
    xenrecon_pid=$!
    name="hangs up after $n"
    if [ $n = 211 ]; then
        for id in 1 2 3 4; do
            life 22 $id
        done
    fi
    becomes_true grep -q '^hung up ' "$dir/odd.log"
    sleep 10
    check "$name: pauses between connections grow ($(odd_did connected) in 10 s)" "$(($(odd_did connected) < 20))" 1
    check "$name: said, and seldom" "$(($(said_times 'is lost') > 0 && $(said_times 'is lost') < 8))" 1
    check "$name: it is alive" "$(kill -0 $xenrecon_pid && echo yes)" yes
    toolstack detach qdisk 21 1
    toolstack remove qdisk 21 1
    finish_odd
done
