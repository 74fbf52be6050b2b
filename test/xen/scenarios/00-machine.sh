#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored oxenstored
# short: xenstored oxenstored
# The machine itself: Xen, dom0, a guest that takes commands, and a healthy host, of which plan says nothing.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

version=$(</xen/version)
check_match "the suite's Xen runs, and this is dom0" "$(xl info)" "xen_version +: ${version#xen-}\."
check "there is a store" "$(xenstore-read domid)" 0
silent "an empty host: plan is silent"
guest web
check "a guest takes commands" "$(in_guest web 'xenstore-read name')" web
status=0
in_guest web "exit_status() { return 7; }; exit_status" || status=$?
check "and tells their status" $status 7
silent "a guest without devices: plan is silent"
