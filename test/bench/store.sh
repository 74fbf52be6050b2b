#!/bin/bash
# SPDX-License-Identifier: MIT
# How fast xenrecon is, next to what the store itself can do:   store.sh [NAME]...   (default: all but the plots)
#
#   burst         many disks of one guest at once; also next to QEMU
#   guests        10 to 1000 guests, 4 disks each
#   requests      what things cost in requests, counted in the store's trace
#   resync        of 10,000 devices
#   memory        of 10,000 devices, and when they are gone
#   idle          what it does while nothing happens
#   fairness      one guest floods, others attach
#   stopped       a store that does not answer for 30 s
#   core          decisions a second
#   instructions  per device, which are repeatable where seconds are not
#
# QUICK=1 uses small numbers; see lib.sh for more. Build first: make all rig benches.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- burst guests requests resync memory idle fairness stopped core instructions
for name; do
    grep -q "^#   $name " "$here/store.sh" || {
        sed -n '3,17s/^# \{0,1\}//p' "$here/store.sh" >&2
        exit 64
    }
done
status=0
for name; do
    bash "$here/$name.sh" || status=1
done
exit $status
