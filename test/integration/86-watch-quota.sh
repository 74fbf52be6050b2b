#!/bin/bash
# SPDX-License-Identifier: MIT
# In a driver domain, when the store grants no more watches: what cannot be watched is looked at every five seconds, and
# the watch is asked for each time.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

backends=/local/domain/5/backend
policy_qdisk </dev/null
attach() { attach_qdisk "$@" --backend-domain 5; }
detach() { toolstack detach qdisk "$@" --backend-domain 5; }

# fresh OPTION...: a store with these quotas, a driver domain and a guest
fresh() {
    stop_xenrecon
    stop_store
    start_store "$@"
    start_domain 5
    start_domain 7
}

# states FIRST LAST STATE: those devices, and what their B should be
states() {
    local id
    for id in $(seq "$1" "$2"); do
        printf '%s %s ' "$(b_of "qdisk/7/$id")/state" "$3"
    done
}

# granted MARK PATTERN: how many watches of such paths the store has granted since then
granted() {
    trace_awk '
        at < from { next }
        $1 == "IN" && $5 == "WATCH" { asked[$2, tail[$2]++] = $6 ~ pattern }
        $1 == "IN" && $5 != "WATCH" { asked[$2, tail[$2]++] = 0 }
        $1 == "OUT" && $5 != "WATCH_EVENT" { n += asked[$2, head[$2]++] && $5 == "WATCH" }
        END { print n + 0 }' -v from="$1" -v pattern="$2"
}

# until_granted MARK PATTERN N
until_granted() {
    # shellcheck disable=SC2317  # by becomes_true
    enough() { [ "$(granted "$1" "$2")" -ge "$3" ]; }
    becomes_true enough "$@" || true
    granted "$1" "$2"
}

# ---- more devices than watches: three are ours anyway, then one for every device that is not where toolstacks put them

usual=$policies
policies=$dir/elsewhere
mkdir "$policies"
sed 's/^frontend: .*/frontend: other/' "$usual/qdisk.yaml" >"$policies/qdisk.yaml"
fresh --watch-nb 14
as_domain 5 start_xenrecon --policies "$policies"
mark=$(log_mark)
toolstack burst qdisk 7 1 20 --backend-domain 5 params=raw:/x.%d mode=w >/dev/null
# shellcheck disable=SC2046  # words
reach "more devices than watches: InitWait" $(states 1 20 2)
logged "it is said" "$mark" "qdisk/7/20: unwatched: .*Argument list too long"
fronts=()
for id in $(seq 1 20); do
    fronts+=("$(f_of "qdisk/7/$id")")
done
frontend connect "${fronts[@]}" & # as domain 0, for the sake of watches
# shellcheck disable=SC2046
reach "Connected, all of them" $(states 1 20 4)
unwatched=$(log_since "$mark" | grep -c ': unwatched: ')
check "it is said once of each" "$unwatched $((unwatched >= 8 && unwatched <= 10))" \
    "$(log_since "$mark" | grep ': unwatched: ' | sort -u | wc -l) 1"
mark=$(trace_mark)
detach 7 1
detach 7 2
reach "two of them go" "$(b_of qdisk/7/1)" absent "$(b_of qdisk/7/2)" absent
check "their watches become others'" "$(until_granted "$mark" device/vbd 2)" 2
await_quiet 100
check "but two have none less" "$(granted "$mark" device/vbd)" 2

# ---- a guest's frontends are one watch: for ours and one guest's there is room, for another guest's not

policies=$usual
fresh --watch-nb 3 # xenstored grants one more
start_domain 8
as_domain 5 start_xenrecon --policies "$policies"
mark=$(log_mark)
attach 7 1
reach "the first guest's disk: InitWait" "$(b_of qdisk/7/1)/state" 2
for id in 2 3; do
    attach 7 $id
    attach 8 $id
done
reach "two more, and another guest's: InitWait" "$(b_of qdisk/7/2)/state" 2 "$(b_of qdisk/7/3)/state" 2 \
    "$(b_of qdisk/8/2)/state" 2 "$(b_of qdisk/8/3)/state" 2
logged "the other guest's are not watched" "$mark" "qdisk/8/3: unwatched: .*Argument list too long"
check "the first one's are" "$(log_since "$mark" | grep -c 'qdisk/7/.: unwatched' || true)" 0
frontend connect "$(f_of qdisk/7/1)" "$(f_of qdisk/7/2)" "$(f_of qdisk/7/3)" "$(f_of qdisk/8/2)" "$(f_of qdisk/8/3)" &
reach "Connected, all of them, the others a while later" "$(b_of qdisk/7/1)/state" 4 "$(b_of qdisk/7/2)/state" 4 \
    "$(b_of qdisk/7/3)/state" 4 "$(b_of qdisk/8/2)/state" 4 "$(b_of qdisk/8/3)/state" 4
mark=$(trace_mark)
for id in 1 2 3; do
    detach 7 $id
done
reach "the first guest's go" "$(b_of qdisk/7/1)" absent "$(b_of qdisk/7/2)" absent "$(b_of qdisk/7/3)" absent
check "the watch becomes the other's" "$(until_granted "$mark" /local/domain/8/device 1)" 1

# ---- not even one for the backend tree

fresh --watch-nb 4
as_domain 5 exec timeout 600 xenstore-watch a b c d e >/dev/null &
hog=$!
until [ "$(granted 0 '^.[a-e]$')" = 5 ]; do
    sleep 0.02
done
mark=$(log_mark)
as_domain 5 start_xenrecon --policies "$policies"
logged "no watch at all: it is said" "$mark" "cannot watch /local/domain/5/backend: Argument list too long"
attach 7 1
reach "no watch at all: InitWait" "$(b_of qdisk/7/1)/state" 2
mark=$(trace_mark)
{ kill $hog && wait $hog; } 2>/dev/null || true
check "with watches again" "$(until_granted "$mark" /local/domain/5/backend 1)" 1
mark=$(trace_mark)
attach 7 2
reach "they are heeded" "$(b_of qdisk/7/2)/state" 2
check "the tree was not listed for that" "$(trace_since "$mark" "$xenrecon_connection" | grep -c "^DIRECTORY ($backends " || true)" 0
