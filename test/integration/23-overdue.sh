#!/bin/bash
# SPDX-License-Identifier: MIT
# A deadline counts from when the ends came to be as they are, not from when the device was last in need of something.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"

mkdir "$dir/policies"
cat >"$dir/policies/vif.yaml" <<EOF
version: 1
type: vif
owner: kernel
deadlines: {create: 1s, connect: 1s, close: 1s}
EOF

b=/local/domain/0/backend/vif/7/0
f=/local/domain/7/device/vif/0
toolstack attach vif 7 0 --state 4 hotplug-status=connected F:state=4
start_xenrecon --policies "$dir/policies"
sleep 1.5 # Connected for longer than any deadline
begun=$EPOCHREALTIME
toolstack detach vif 7 0
becomes_true grep -q stuck-detach "$dir/xenrecon.log" || true
# A file's time is that of the kernel's last tick, which is up to 10 ms ago
took=$(awk -v from="$begun" -v to="$(stat -c %.Y "$dir/xenrecon.log")" 'BEGIN { printf "%d", (to - from) * 1000 }')
check "but not before a second of Closing" "$([ "$took" -ge 990 ] && echo yes || echo "after $took ms")" yes
check "more than its deadline is" "$(grep -c 'vif/7/0: stuck-detach: detached, but the frontend is still Connected, for more than 1.0 s' "$dir/xenrecon.log")" 1
xenstore-write $f/state 6 $b/state 6
await_quiet 300
check "no more was found, and its end is said" "$(grep -c 'vif/7/0' "$dir/xenrecon.log")" 2
