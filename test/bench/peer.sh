# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# After lib.sh: the real QEMU, which serves the qdisks of one domain. Domain 0 has its nodes then.
# shellcheck disable=SC2154  # what testlib.sh sets
"$repo/test/rig/qemu.sh" get
peer=

# start_peer DOMID: until it says so, as libxl waits for it
start_peer() {
    toolstack domain-create 0
    "$repo/test/rig/qemu.sh" run "$1" </dev/null >"$dir/qemu.log" 2>&1 &
    peer=$!
    await "/local/domain/0/device-model/$1/state" running
}

# Without a last word: with one, it would remove the devices' nodes.
stop_peer() {
    kill -KILL "$peer"
    wait "$peer" 2>/dev/null || true
    peer=
}
