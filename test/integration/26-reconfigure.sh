#!/bin/bash
# SPDX-License-Identifier: MIT
# A card for a pci device that is connected: libxl writes Reconfiguring, and pciback never follows. Beyond its deadline that is
# found, with who is waited for and the card, whenever it was written; and it ends when both ends are connected again.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

{ grep -v '^deadlines:' "$repo/deploy/policies/pci.yaml" && echo 'deadlines: {create: 1s, connect: 2s, close: 1s}'; } >"$policies/pci.yaml"
# stuck DOMID STATE CARD: as pciback leaves it; CARD is the one that lacks
stuck() {
    local b=$backends/pci/$1/0 f=/local/domain/$1/device/pci/0
    xenstore-write "$b" "" "$b/frontend" "$f" "$b/frontend-id" "$1" "$b/online" 1 "$b/num_devs" 2 "$b/dev-0" 0000:00:1a.0 \
        "$b/state-0" 4 "$b/dev-1" "$3" "$b/state-1" 1 "$f/backend" "$b" "$f/backend-id" 0 "$f/state" 4 "$b/state" "$2"
}
# found DOMID WORDS WHO MARK
found() {
    logged "pci/$1/0 is found" "$4" "pci/$1/0: stuck-reconfigure: $2.* for more than 2.0 s"
    check "pci/$1/0: by plan" "$("${xenrecon[@]}" plan --runtime-dir "$dir/run" --format json "pci/$1/0" | python3 -c '
import json, sys
print([(f["code"], f["severity"], f["waits_for"], f["since"] is not None) for f in json.load(sys.stdin)["devices"][0]["findings"]])')" \
        "[('stuck-reconfigure', 'warning', '$3', True)]"
}

stuck 2 7 0000:00:14.0
start_xenrecon --policies "$policies" --resync 0
check "not before its deadline" "$(grep -c stuck-reconfigure "$dir/xenrecon.log" || true)" 0
found 2 'the backend was told to reconfigure, and is still Reconfiguring: state-1 is "1", card "0000:00:14.0"' backend 0
mark=$(log_mark)
stuck 5 8 0000:03:00.1
found 5 'the backend is Reconfigured, and the frontend has not taken it up: state-1 is "1", card "0000:03:00.1"' frontend "$mark"
mark=$(trace_mark)
await_quiet 300
check "nothing is written" "$(changes_since "$mark")" ""

mark=$(log_mark)
xenstore-write "$backends/pci/2/0/state-1" 4 "$backends/pci/2/0/state" 8
logged "another is waited for: found anew" "$mark" 'pci/2/0: stuck-reconfigure: the backend is Reconfigured'
xenstore-write "$backends/pci/2/0/state" 4
logged "both are connected: its end is said" "$mark" 'pci/2/0: cleared: stuck-reconfigure'
