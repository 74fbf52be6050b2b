#!/bin/bash
# SPDX-License-Identifier: MIT
# Two guests' disks on one image: both are told of, whatever path leads there, for as long as both may write.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"

block_policy
start_domain 7 4096 grants
start_domain 8 4096 grants
start_xenrecon --policies "$dir/policies" --resync 0
truncate -s 8M "$dir/one" "$dir/other"
ln -s one "$dir/symlink"
ln "$dir/one" "$dir/hardlink"

# attached DOMID DEVID PARAMS [KEY=VALUE...]: and ready
attached() {
    local domid=$1 devid=$2 params=$3
    shift 3
    toolstack attach qdisk "$domid" "$devid" --frontend vbd "params=$params" mode=w dev=xvda device-type=disk type=qdisk \
        discard-enable=1 "F:virtual-device=$devid" F:device-type=disk "$@"
    reach "qdisk/$domid/$devid is ready" "/local/domain/0/backend/qdisk/$domid/$devid/state" 2
}

detached() {
    toolstack detach qdisk "$1" "$2"
    await "/local/domain/0/backend/qdisk/$1/$2/state" 6
}

# found DEVICE: what is, in one line
found() {
    "${xenrecon[@]}" plan --runtime-dir "$dir/run" "$1" 2>/dev/null | sed -n 's|^ *! \(.* shared-image: [^(]*[^ (]\).*|\1|p'
}
is_found() { [ "$(found "$1")" = "$2" ]; }
# finds NAME DEVICE WHAT
finds() {
    becomes_true is_found "$2" "$3" || true
    check "$1" "$(found "$2")" "$3"
}

# pair NAME PARAMS OTHER [KEY=VALUE...]: attached to both guests; the second is detached again
pair() {
    local name=$1 one=$2 other=$3
    shift 3
    attached 7 51712 "$one"
    finds "$name: alone" qdisk/7/51712 ""
    attached 8 51712 "$other" "$@"
    finds "$name: the first knows of the second" qdisk/7/51712 "warning shared-image: qdisk/8/51712 writes to the same image"
    finds "$name: the second of the first" qdisk/8/51712 "warning shared-image: qdisk/7/51712 writes to the same image"
    exits "$name: and status" 0 grep -q shared-image <<<"$("${xenrecon[@]}" status --runtime-dir "$dir/run" qdisk/7/51712)"
    detached 8 51712
    finds "$name: one of them is detached" qdisk/7/51712 ""
    detached 7 51712
    toolstack remove qdisk 8 51712 --frontend vbd
    toolstack remove qdisk 7 51712 --frontend vbd
}
pair "the same path" "raw:$dir/one" "raw:$dir/one"
pair "another spelling" "raw:$dir/one" "aio:$dir//./one"
pair "a symbolic link" "raw:$dir/one" "raw:$dir/symlink"
pair "a hard link" "raw:$dir/hardlink" "raw:$dir/one"
if [ "$(id -u)" = 0 ] && losetup --find >/dev/null 2>&1; then
    loop=$(losetup --find --show "$dir/one")
    mknod "$dir/alias" b "$((0x$(stat -c %t "$loop")))" "$((0x$(stat -c %T "$loop")))"
    pair "a device by another name" "phy:$loop" "phy:$dir/alias"
    pair "a file and its loop device" "raw:$dir/one" "phy:$loop"
    losetup -d "$loop"
fi

# ---- what is none

attached 7 51712 "raw:$dir/one"
attached 8 51712 "raw:$dir/other"
attached 8 51728 "raw:$dir/one" mode=r
attached 8 51744 "raw:" mode=r device-type=cdrom
finds "another image, one that reads, an empty drive" qdisk/7/51712 ""
check "nor for these" "$(found qdisk/8/51712)$(found qdisk/8/51728)$(found qdisk/8/51744)" ""
detached 8 51744 # nobody would know whose worker it is

# ---- three, a killed worker, another controller

attached 8 51760 "raw:$dir/hardlink"
attached 8 51776 "raw:$dir/symlink"
finds "three of them: the third" qdisk/8/51776 "warning shared-image: qdisk/8/51760 writes to the same image"
detached 8 51760
toolstack remove qdisk 8 51760 --frontend vbd
finds "two of them again" qdisk/8/51776 "warning shared-image: qdisk/7/51712 writes to the same image"
kill -KILL "$(pgrep -f "xenrecon-blk .*$dir/symlink( |$)")"
becomes_true grep -q "qdisk/8/51776: its worker ended" "$dir/xenrecon.log" || fail "its worker's death was not seen"
finds "it is known of the next" qdisk/7/51712 "warning shared-image: qdisk/8/51776 writes to the same image"
kill_xenrecon
start_xenrecon --policies "$dir/policies" --resync 0
finds "another controller finds it" qdisk/7/51712 "warning shared-image: qdisk/8/51776 writes to the same image"
finds "for both" qdisk/8/51776 "warning shared-image: qdisk/7/51712 writes to the same image"

# ---- meant

for device in 7/51712 8/51776; do
    detached "${device%/*}" "${device#*/}"
    toolstack remove qdisk "${device%/*}" "${device#*/}" --frontend vbd
done
attached 7 51712 "raw:$dir/one" "mode=w!"
attached 8 51776 "raw:$dir/symlink" "mode=w!"
finds "both say that it is meant" qdisk/7/51712 ""
exits "and can write" 0 as_domain 7 blkfront 51712 flush
stop_xenrecon
