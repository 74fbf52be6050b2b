#!/bin/bash
# SPDX-License-Identifier: MIT
# A live update of the store: another xenstored goes on in the same process, with the connections and watches there are.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
hold: {closed: 200ms}
END
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
xenstored=$(echo "$cache"/xen/usr/lib/xen-*/bin/xenstored)
# live_update OPTION NAME: OPTION tells the new one from the old. What fails is not said, but the new one has a -U.
live_update() {
    "${xenstored%d}-control" live-update -F -t 5 \
        -c "$("$repo/test/rig/store.sh" options "$dir" --trace-file "$dir/trace" "$1")" "$xenstored"
    check "$2: the store is another" "$(timeout 60 xenstore-exists / && tr '\0' ' ' <"/proc/$(cat "$dir/pid")/cmdline" |
        grep -c -e " $1 -U ")" 1
}

start_domain 7 # the store takes no nodes of a domain along that there is not
start_xenrecon --policies "$policies"
attach_qdisk 7 1
attach_qdisk 7 2
as_domain 7 play qdisk/7/1 connect
await "$(b_of qdisk/7/1)/state" 4 "$(f_of qdisk/7/1)/state" 4 "$(b_of qdisk/7/2)/state" 2

# ---- idle

await_quiet 100
xenstore-ls -fp >"$dir/before"
said=$(log_mark)
mark=$(trace_mark)
live_update --watch-nb=1000 idle
await_quiet 100
check "idle: nothing is written" "$(trace_since "$mark" | grep -E '^(WRITE|RM|MKDIR|SET_PERMS) ' || true)" ""
check "idle: each node and permission is as it was" "$(xenstore-ls -fp | cmp - "$dir/before" && echo yes)" yes
attach_qdisk 7 3
reach "idle: attached: InitWait" "$(b_of qdisk/7/3)/state" 2
as_domain 7 xenstore-write "$(f_of qdisk/7/2)/ring-ref" 8 "$(f_of qdisk/7/2)/event-channel" 9 "$(f_of qdisk/7/2)/state" 3
reach "idle: InitWait before: Connected" "$(b_of qdisk/7/2)/state" 4
toolstack detach qdisk 7 1
as_domain 7 xenstore-write "$(f_of qdisk/7/1)/state" 6
reach "idle: what was Connected before is detached, closed by the guest, and gone" "$(b_of qdisk/7/1)" absent
check "idle: on the same connection" "$(log_since "$said" | grep -cE 'lost|(^| )ready: ' || true)" 0

# ---- in a burst

n=100
all=()
for ((id = 100; id < 100 + n; id++)); do
    all+=("$(b_of qdisk/7/$id)/state" 2)
done
said=$(log_mark)
created=0
for ((id = 100; id < 100 + n; id++)); do
    attach_qdisk 7 $id
done &
writer=$!
until [ "$created" -ge 5 ]; do
    created=$(log_since "$said" | grep -c ': create: ' || true)
done
live_update --timeout=watch-event=20 "in a burst"
kill -0 $writer
wait $writer
reach "in a burst: all are served" "${all[@]}"
await_quiet 100
check "in a burst: nothing is left to do" \
    "$("${xenrecon[@]}" plan --policies "$policies" | sed -n '1s/.*; \(nothing to do\).*/\1/p')" "nothing to do"
check "in a burst: each is created once" "$(log_since "$said" | grep -c ': create: ')" $n
