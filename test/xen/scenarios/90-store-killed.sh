#!/bin/bash
# SPDX-License-Identifier: MIT
# boots: xenstored
# The store goes away under a guest that writes. A live update changes nothing for anybody. A xenstored that is killed takes
# with it what Xen's toolstack knows: the guests' rings to it are never introduced again, and what libxl wrote is gone, so
# that guests can only run on as they are. They must, and their disks with them until an empty store says that there are none.
# The last scenario of its machine.
# shellcheck source=test/xen/lib.sh
. /xen/lib.sh

policy_blk
start_xenrecon
create web "disk = ['$(qdisk xvda)']"
disk=qdisk/$(domid web)/51712
reach "Connected" "$disk" 4/4
start_writer web

works "live update of xenstored" xenstore-control live-update -F /usr/lib/xen/bin/xenstored
moves web "updated: the guest goes on writing"
check "updated: the guest reaches the store" "$(in_guest web 'xenstore-read name')" web
check "updated: xenrecon did not notice" "$(grep -c lost "$here/xenrecon.log" || true)" 0
works "updated: xl block-attach" attach_disk web xvdb
reach "updated: Connected" "qdisk/$(domid web)/51728" 4/4
works "updated: xl block-detach" xl block-detach web xvdb

kill -KILL "$(pids_of xenstored)"
moves web "killed: the guest goes on writing"
becomes "killed: xenrecon says so" 1 grep -c "the store is lost" "$here/xenrecon.log"
xenstored --pid-file /run/xen/xenstored.pid
becomes "an empty one instead: xenrecon is ready again" 2 grep -c "xenrecon: ready" "$here/xenrecon.log"
becomes "it releases what is not there any more" 1 grep -c "$disk: release" "$here/xenrecon.log"
