# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For integration tests with disks in formats that a qemu-storage-daemon knows, after block.sh.
# shellcheck disable=SC2034,SC2154  # what block.sh sets, and for whom sources this

# Known by its name from those of other tests.
daemon=$dir/qemu-storage-daemon
ln -s "$(command -v qemu-storage-daemon)" "$daemon"

# formats_policy [OPTION]: with a server of formats
formats_policy() {
    block_policy "formats: ['$XENRECON_BLK', --serve-formats, ${1:+$1, }--, '$daemon']"
}

# attach_image DEVID FORMAT [KEY=VALUE...]: with an image of that format, unless it is there
attach_image() {
    local devid=$1 format=$2
    shift 2
    [ -e "$dir/disk.$devid" ] || qemu-img create -q -f "${format/vhd/vpc}" "$dir/disk.$devid" 64M
    attach_disk "$devid" 64M "params=$format:$dir/disk.$devid" "$@"
}

# detached DEVID: by the toolstack, until nothing is left of its worker
detached() {
    toolstack detach qdisk 7 "$1"
    await "/local/domain/0/backend/qdisk/7/$1/state" 6
    toolstack remove qdisk 7 "$1" --frontend vbd
    becomes_true test ! -e "$dir/run/workers/qdisk.7.$1"
}

# workers, servers, daemons: the processes, of this test alone
workers() { pgrep -f "xenrecon-blk --image=.*$dir/" || true; }
servers() { pgrep -f "xenrecon-blk --serve-formats .*-- $dir/" || true; }
daemons() { pgrep -f "^$daemon " || true; }

# says NAME DEVICE FINDING PHRASE: that is found of it, at some look
found() { "${xenrecon[@]}" plan --runtime-dir "$dir/run" "$1" 2>/dev/null || true; }
says() {
    if becomes_true eval "found $2 | grep -F '! ' | grep -q '$3.*$4'"; then
        pass "$1"
    else
        found "$2"
        fail "$1"
    fi
}
