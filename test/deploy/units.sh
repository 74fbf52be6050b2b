#!/bin/bash
# SPDX-License-Identifier: MIT
# What systemd says of the units without running them.
set -eu
cd "$(dirname "$0")/../.."
failures=0
work=$(mktemp -d /tmp/xr.units.XXXXXX)
trap 'rm -rf "$work"' EXIT
# check NAME COMMAND...: succeeds, and says nothing
check() {
    local name=$1 said status=0
    shift
    said=$("$@" 2>&1) || status=$?
    if [ "$status" = 0 ] && [ -z "$said" ]; then
        echo "PASS $name"
    else
        echo "FAIL $name: status $status: $said"
        failures=1
    fi
}
# exposure FILE: in tenths, as systemd has it
exposure() {
    systemd-analyze security --offline=true --no-pager "$1" 2>&1 | sed -nE 's/.*Overall exposure level.*: ([0-9]+)\.([0-9]) .*/\1\2/p'
}

mkdir -p "$work/xenrecon.service.d"
sed 's|/usr/sbin/xenrecon|/bin/true|' deploy/systemd/xenrecon.service >"$work/xenrecon.service"
check "xenrecon.service: nothing to complain of" systemd-analyze verify --man=no "$work/xenrecon.service"
check "xenrecon.service: its exposure is 3.0 at most" test "$(exposure "$work/xenrecon.service")" -le 30
cp deploy/systemd/hotplug.conf "$work/xenrecon.service.d/"
check "with hotplug.conf: nothing to complain of" systemd-analyze verify --man=no "$work/xenrecon.service"
for unit in xen xenstored xen-init-dom0; do
    check "it comes after $unit.service" grep -qE "^After=.*\<$unit\.service" "$work/xenrecon.service"
done
cp deploy/systemd/xenrecon-network.socket "$work/"
sed 's|/usr/libexec/xenrecon/xenrecon-blk|/bin/true|' deploy/systemd/xenrecon-network@.service >"$work/xenrecon-network@.service"
check "xenrecon-network: nothing to complain of" systemd-analyze verify --man=no "$work/xenrecon-network.socket"
check "xenrecon-network@.service: its exposure is 2.0 at most" test "$(exposure "$work/xenrecon-network@.service")" -le 20
exit $failures
