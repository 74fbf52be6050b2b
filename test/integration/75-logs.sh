#!/bin/bash
# SPDX-License-Identifier: MIT
# What is logged, where and how: for people, as JSON, in a real journal; more or less of it; and not without end.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

policy_qdisk <<'END'
limits: {events-per-second: 10000, burst: 10000}
END
# once ARGUMENT...: a dry run over what is there; what it logs is in $dir/log
once() { "${xenrecon[@]}" run --dry-run --once --policies "$policies" "$@" >"$dir/log" 2>&1; }
attach_qdisk 7 51712
xenstore-write "$(b_of qdisk/7/51712)/mode" x

# ---- forms and levels

once
check "text" "$(grep -c '^xenrecon: qdisk/7/51712: invalid-key: ' "$dir/log") $(grep -c '^xenrecon: ready: 1 devices$' "$dir/log")" "1 1"
once --log-format json
check "JSON: a line each, with what it is about" "$(python3 - "$dir/log" <<'END'
import datetime, json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
now = datetime.datetime.now(datetime.timezone.utc)
for line in lines:
    age = now - datetime.datetime.fromisoformat(line.pop("time").replace("Z", "+00:00"))
    assert 0 <= age.total_seconds() < 60, age
print([{k: v for k, v in line.items() if k != "message"} for line in lines])
END
)" "[{'level': 'warning', 'device': 'qdisk/7/51712', 'row': 'incomplete', 'finding': 'invalid-key'}, {'level': 'info'}]"
once --quiet
check "--quiet: what is wrong" "$(grep -c . "$dir/log") $(grep -c 'invalid-key' "$dir/log")" "1 1"
once --verbose
check "--verbose: every decision" "$(grep -cE '^xenrecon: qdisk/7/51712: done, row incomplete, [0-9.]+ ms$' "$dir/log")" 1
check "--log-format wants a format" "$("${xenrecon[@]}" run --log-format xml 2>&1 | head -n 1)" 'xenrecon: --log-format is text or json, not "xml"'

# ---- a device that never stops

start_xenrecon --policies "$policies"
xenstore-write "$(b_of qdisk/7/51712)/mode" w
await "$(b_of qdisk/7/51712)/state" 2
attach_qdisk 7 2
await "$(b_of qdisk/7/2)/state" 2
begun=$SECONDS
lines=0 # of this device; what comes too fast is one
for ((i = 0; i < 400 && lines < 130; i++)); do
    xenstore-write "$(b_of qdisk/7/51712)/online" "x$i"
    xenstore-write "$(b_of qdisk/7/51712)/online" "y$i"
    lines=$((i % 10 ? lines : $(grep -c bad-value "$dir/xenrecon.log" || true) + i / 8))
done
await_quiet 100
stop_xenrecon
windows=$(((SECONDS - begun) / 10 + 1))
lines=$(grep -c '^xenrecon: qdisk/7/51712: .*bad-value' "$dir/xenrecon.log" || true)
said=$(grep -cE '^xenrecon: qdisk/7/51712: [0-9]+ more messages? w(as|ere) suppressed$' "$dir/xenrecon.log" || true)
check "no more than so many lines" "$((lines <= 100 * (windows + 1)))" 1
check "what is left out is said" "$((said >= 1 || windows > 1 || lines < 100))" 1

# ---- a real journal

journald=/lib/systemd/systemd-journald
if [ "$(id -u)" != 0 ] || [ ! -x $journald ] || ! unshare -m true 2>/dev/null; then
    echo "SKIP: a journal of our own takes root and systemd-journald"
    exit 0
fi
toolstack remove qdisk 7 51712 -- remove qdisk 7 2
attach_qdisk 7 51712
attach_qdisk 7 3
xenstore-write "$(b_of qdisk/7/3)/mode" x
cat >"$dir/in-journal" <<'END'
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
"$1" >"$2/journald.log" 2>&1 &
until [ -S /run/systemd/journal/stdout ] && [ -S /run/systemd/journal/socket ]; do sleep 0.02; done
# as systemd starts a service
systemd-cat -t other sh -c 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"' sh "${@:3}"
journalctl --directory=/run/log/journal --sync 2>/dev/null || true
for _ in $(seq 1000); do
    journalctl --directory=/run/log/journal -q --no-pager -o json SYSLOG_IDENTIFIER=xenrecon >"$2/journal"
    ! grep -q 'ready: ' "$2/journal" || break
    sleep 0.05
done
journalctl --directory=/run/log/journal -q --no-pager -o cat XENRECON_DEVICE=qdisk/7/3 >"$2/by-device"
journalctl --directory=/run/log/journal -q --no-pager -o cat -p warning SYSLOG_IDENTIFIER=xenrecon >"$2/by-priority"
kill %1
END
unshare -m bash "$dir/in-journal" $journald "$dir" "${xenrecon[@]}" run --once --dry-run --policies "$policies"
check "fields in the journal" "$(python3 - "$dir/journal" <<'END'
import json, sys
fields = "PRIORITY", "XENRECON_DEVICE", "XENRECON_ROW", "XENRECON_ACTION", "XENRECON_FINDING"
for line in sorted((json.loads(line) for line in open(sys.argv[1])), key=lambda o: o["MESSAGE"]):
    print(" ".join(line.get(field, "-") for field in fields))
END
)" "4 qdisk/7/3 incomplete - invalid-key
6 qdisk/7/51712 create create -
6 - - - -"
check "found by device" "$(grep -c '^qdisk/7/3: invalid-key: ' "$dir/by-device")" 1
check "found by priority" "$(grep -c . "$dir/by-priority")" 1
