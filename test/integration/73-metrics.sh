#!/bin/bash
# SPDX-License-Identifier: MIT
# The metrics file, and the alerts that go with it, as Prometheus' own tool sees them.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

promtool() { "$repo/test/rig/promtool.sh" "$@"; }
promtool get
rules=$repo/deploy/prometheus/xenrecon.rules.yaml
page=$dir/metrics/xenrecon.prom
mkdir "$dir/metrics"
# value SERIES
value() { sed -n "s/^xenrecon_$1 //p" "$page"; }
# becomes NAME SERIES WANT: soon, for it is not written at once
becomes() {
    local end=$((SECONDS + AWAIT_MS / 1000))
    until [ "$(value "$2")" = "$3" ] || [ $SECONDS -gt $end ]; do sleep 0.1; done
    check "$1" "$(value "$2")" "$3"
}
valid() { check "$1: promtool has nothing to complain of" "$(promtool check metrics <"$page" 2>&1 || true)" ""; }

policy_qdisk <<<"limits: {devices-per-domain: 5}"
policy vgreet <<'END'
owner: xenrecon
worker: {command: [/bin/false]}
retry: {initial: 60s, max: 60s}
deadlines: {create: 1h} # what becomes overdue is looked at once more
END
policy vbd <<'END'
owner: kernel
END
attach_qdisk 7 1
attach_qdisk 7 2
toolstack attach vgreet 8 0 -- attach vbd 7 3
xenstore-write "$(b_of vbd/7/3)/state" x
umask 077
ln -s "$dir/elsewhere" "$page.tmp"
start_xenrecon --policies "$policies" --metrics-file "$page"
becomes "devices by type" 'devices{type="qdisk"}' 2
valid "at work"
check "readable by all, whatever the umask" "$(stat -c %a "$page")" 644
check "not through a link" "$([ -e "$dir/elsewhere" ] && echo written)" ""
becomes "a worker's death" 'worker_deaths_total' 1
becomes "findings by type, code and severity" 'findings{type="vgreet",code="worker-died",severity="error"}' 1
check "another" "$(value 'findings{type="vbd",code="bad-value",severity="error"}')" 1
check "nothing of what is not found" "$(sed -n 's/^xenrecon_findings{\(.*\)} .*/\1/p' "$page" | grep -vE 'worker-died|bad-value|stuck-connect' || true)" ""
check "actions" "$(value 'actions_total{action="create"}') $(value 'actions_total{action="connect"}')" "3 0"
check "objects" "$(value 'objects{phase="ready"}') $(value 'objects{phase="none"}') $(value 'objects{phase="dead"}')" "2 1 1"
check "health adds up to the devices" "$(sed -n 's/^xenrecon_device_health{.*} //p' "$page" | awk "{ n += \$1 } END { print n }")" \
    "$(sed -n 's/^xenrecon_devices{.*} //p' "$page" | awk "{ n += \$1 } END { print n }")"
check "the sick ones are there" "$(($(value 'device_health{health="failed"}') + $(value 'device_health{health="degraded"}') > 0))" 1
check "the daemon" "$(value up) $(value store_connected) $(value policies) $(value queue_depth) $(value workers)" "1 1 3 0 0"
check "when" "$(($(date +%s) - $(value start_time_seconds | cut -d. -f 1) < 60)) $(($(date +%s) - $(value last_resync_timestamp_seconds | cut -d. -f 1) < 60))" "1 1"
check "buckets add up" "$(sed -n 's/^xenrecon_reconcile_duration_seconds_bucket{le="[^"]*"} //p' "$page" | sort -nc 2>&1 &&
    [ "$(value 'reconcile_duration_seconds_bucket{le="+Inf"}')" = "$(value reconcile_duration_seconds_count)" ] && echo yes)" yes
check "there was work" "$(($(value reconcile_duration_seconds_count) >= 4)) $(($(value queue_adds_total) >= 4)) $(($(value store_requests_total) > 20))" "1 1 1"
check "no dry run" "$(value dry_run)" 0
check "policies" "$(value policies_last_reload_successful) $(($(date +%s) - $(value policies_last_reload_success_timestamp_seconds | cut -d. -f 1) < 60))" "1 1"
labels=$(grep -vc '^#' "$page")

# ---- only when something changes, and never half of it

before=$(stat -c %i%Y "$page")
await_quiet 3500
check "at rest it is left alone" "$(stat -c %i%Y "$page")" "$before"
for devid in 4 5 6; do
    attach_qdisk 9 "$devid"
done
becomes "more devices" 'devices{type="qdisk"}' 5
check "no more series for more devices" "$(grep -vc '^#' "$page")" "$labels"
check "nothing is left beside it" "$(ls "$dir/metrics")" xenrecon.prom
toolstack remove qdisk 9 4
becomes "and fewer" 'devices{type="qdisk"}' 4

for devid in 11 12 13 14 15 16; do
    attach_qdisk 10 "$devid"
    attach_qdisk 11 "$devid"
done
becomes "guests that have too many" 'findings{type="qdisk",code="too-many-devices",severity="warning"}' 2
toolstack remove qdisk 10 16
toolstack remove qdisk 11 16
becomes "and have no more" 'findings{type="qdisk",code="too-many-devices",severity="warning"}' ""

# ---- reloads

loaded=$(value policies_last_reload_success_timestamp_seconds)
cp "$policies/vbd.yaml" "$dir/vbd.yaml"
echo "owner: nobody" >>"$policies/vbd.yaml"
kill -HUP "$xenrecon_pid"
becomes "policies that are refused" policies_last_reload_successful 0
check "those in force are as old as they were" "$(value policies_last_reload_success_timestamp_seconds)" "$loaded"
rm "$policies/vbd.yaml"
kill -HUP "$xenrecon_pid"
becomes "policies that are taken" policies_last_reload_successful 1
check "they are newer" "$(awk "BEGIN { print ($(value policies_last_reload_success_timestamp_seconds) > $loaded) }")" 1
becomes "a type that has no policy any more goes with its devices" 'findings{type="vbd",code="bad-value",severity="error"}' ""
cp "$dir/vbd.yaml" "$policies"
kill -HUP "$xenrecon_pid"
becomes "and comes back" 'findings{type="vbd",code="bad-value",severity="error"}' 1

# ---- trouble

log=$(log_mark)
rm -rf "$dir/metrics"
attach_qdisk 9 7
logged "a directory that goes" "$log" "cannot write the metrics to $page: No such file or directory"
mkdir "$dir/metrics"
attach_qdisk 9 8
logged "and comes back" "$log" "the metrics are written to $page again"
stop_store
becomes "the store is lost" store_connected 0
stop_xenrecon
check "ended in good order" "$(value up)" 0
valid "at the end"

# ---- a heartbeat, whatever --resync is: the loop waits for nothing else

mkdir "$dir/none"
start_store
start_xenrecon --policies "$dir/none" --metrics-file "$page" --resync 86400 --dry-run
becomes "a dry run" dry_run 1
await_quiet 100
strace -f -o "$dir/strace" -e trace=epoll_wait,epoll_pwait -p "$xenrecon_pid" 2>"$dir/strace.log" &
strace=$!
# waits: what it waits for at the most, in milliseconds, once it has been asked something
waits() {
    "${xenrecon[@]}" status --runtime-dir "$dir/run" >/dev/null
    sed -nE 's/^.*epoll_p?wait\([^,]*, .*, 1024, ([0-9]+)[,)].*/\1/p' "$dir/strace" | sort -n | tail -n 1
}
beats() { [ "$(waits)" -gt 200000 ]; }
becomes_true grep -q attached "$dir/strace.log"
becomes_true beats || true
check "it waits for five minutes at the most" "$(waits | awk '{ print ($1 > 200000 && $1 <= 300000) }')" 1
kill $strace
wait $strace || true
stop_xenrecon

# ---- alerts

check "the rules are rules" "$(promtool check rules "$rules" 2>&1 | sed -n 's/.*SUCCESS: //p')" "$(grep -c -- '- alert:' "$rules") rules found"
unknown=$(grep -o 'xenrecon_[a-z_]*' "$rules" | sort -u | while read -r name; do
    grep -q "^# TYPE ${name%_bucket} " "$page" || echo "$name"
done)
check "they are about metrics that there are" "$unknown" ""
check "each names a command, and where to read" "$(python3 - "$rules" <<'END'
import sys, yaml
for r in yaml.safe_load(open(sys.argv[1]))["groups"][0]["rules"]:
    a = r["annotations"]
    if not ("`xen" in a["description"] or "`systemctl " in a["description"]) or not a["runbook_url"].startswith("man:xenrecon"):
        print(r["alert"])
END
)" ""
check "they tell what is wrong" "$(promtool test rules "$repo/test/deploy/rules.test.yaml" 2>&1 | grep -E 'SUCCESS|FAILED' | xargs)" "SUCCESS"
# an alert for every code, should it be an error; and the manual has each
{
    printf '%s\n' "rule_files: [$rules]" "evaluation_interval: 1m" "tests:" "  - interval: 1m" "    input_series:"
    codes=$(sed -nE 's/^ *X\([A-Z_]*, "([a-z-]*)".*/\1/p' "$repo/schemas/finding.h" | grep -vE '^(info|warning|error)$')
    for code in $codes; do
        echo "      - {series: 'xenrecon_findings{instance=\"a\",type=\"vif\",code=\"$code\",severity=\"error\"}', values: '1x20'}"
    done
    printf '%s\n' "    promql_expr_test:" \
        "      - {expr: 'count(ALERTS{alertname=\"XenreconDeviceFailed\",alertstate=\"firing\"})', eval_time: 10m, exp_samples: [{value: $(wc -w <<<"$codes")}]}"
} >"$dir/codes.test.yaml"
check "there are codes" "$(($(grep -c series: "$dir/codes.test.yaml") > 35))" 1
check "each is told of when it is an error" "$(promtool test rules "$dir/codes.test.yaml" 2>&1 | grep -E 'SUCCESS|FAILED' | xargs)" "SUCCESS"

# ---- the dashboard: its queries are queries, about metrics and labels that there are

board=$repo/deploy/prometheus/dashboard.json
"$repo/test/lib/dashboard.py" "$board" "$page" "$dir/board.rules.yaml" >"$dir/board.said" || true
check "the dashboard is one" "$(cat "$dir/board.said")" ""
check "its queries are queries" "$(promtool check rules "$dir/board.rules.yaml" 2>&1 | sed -n 's/.*SUCCESS: //p')" "$(grep -c -- '- record:' "$dir/board.rules.yaml") rules found"
