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

policy_qdisk </dev/null
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
becomes "findings by code" 'findings{code="worker-died"}' 1
check "another" "$(value 'findings{code="bad-value"}') $(value 'findings{code="stuck-connect"}')" "1 0"
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

# ---- alerts

check "the rules are rules" "$(promtool check rules "$rules" 2>&1 | sed -n 's/.*SUCCESS: //p')" "8 rules found"
unknown=$(grep -o 'xenrecon_[a-z_]*' "$rules" | sort -u | while read -r name; do
    grep -q "^${name}[{ ]" "$page" || echo "$name"
done)
check "they are about metrics that there are" "$unknown" ""
cat >"$dir/rules.test.yaml" <<END
rule_files: [$rules]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'xenrecon_up{instance="a"}', values: '1x60'}
      - {series: 'xenrecon_store_connected{instance="a"}', values: '1x10 0x50'}
      - {series: 'xenrecon_findings{instance="a",code="stuck-connect"}', values: '0x10 2x50'}
      - {series: 'xenrecon_worker_deaths_total{instance="a"}', values: '0+1x60'}
      - {series: 'xenrecon_up{instance="b"}', values: '1x10 0x50'}
    alert_rule_test:
      - {eval_time: 9m, alertname: XenreconStoreLost}
      - {eval_time: 14m, alertname: XenreconStoreLost, exp_alerts: [{exp_labels: {severity: critical, instance: a}, exp_annotations: {
          summary: xenrecon has lost xenstore on a, description: "Is xenstored running? xenrecon goes on by itself when it is back."}}]}
      - {eval_time: 40m, alertname: XenreconDeviceStuck, exp_alerts: [{exp_labels: {severity: warning, instance: a, code: stuck-connect}, exp_annotations: {
          summary: 2 devices with stuck-connect on a, description: "\`xenrecon plan\` lists them, \`xenrecon explain DEVICE\` says what would help."}}]}
      - {eval_time: 20m, alertname: XenreconDown, exp_alerts: [{exp_labels: {severity: critical, instance: b}, exp_annotations: {
          summary: xenrecon does not run on b, description: "Devices that are attached or detached are waited for in vain. See \`systemctl status xenrecon\`."}}]}
END
check "they tell what is wrong" "$(promtool test rules "$dir/rules.test.yaml" 2>&1 | grep -E 'SUCCESS|FAILED' | xargs)" "SUCCESS"
