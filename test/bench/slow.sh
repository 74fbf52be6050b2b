#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks on storage that takes time (rig/slowdisk.c), and past the page cache on a file of this machine's: xenrecon-blk next to
# fio with io_uring, which is what the storage can do, and next to QEMU through the page cache, by turns. Requests of 4 KiB at
# random places. What fio is next to is a block device or a file that nobody else uses at the time.
#
# A local file is so fast that the way of a request counts: the guest's program wakes xenrecon-blk, and is woken by it. What that
# takes is measured with an image in memory; what would be possible is, one request after the other, both times together, and
# otherwise the slower of the two.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=test/lib/slow.sh
. "$repo/test/lib/slow.sh"
if ! slow_here || ! command -v fio >/dev/null; then
    echo "no FUSE, no loop devices, or no fio: not measured"
    exit
fi
# shellcheck source=test/bench/peer.sh
. "$repo/test/bench/peer.sh"
seconds=$(either 1 3)
rounds=${ROUNDS:-$(either 1 3)}

chmod 711 "$dir"
policy xdisk <<END
frontend: vbd
owner: xenrecon
backend-keys:
  params: {required: true}
  mode: {required: true, enum: [r, w]}
  direct-io-safe: {type: boolean}
frontend-keys:
  ring-ref: {type: uint32, required: connect, or: ring-ref0}
  event-channel: {type: uint32, required: connect}
  ring-page-order: {type: uint32}
  ring-ref0: {type: uint32}
  ring-ref1: {type: uint32}
  ring-ref2: {type: uint32}
  ring-ref3: {type: uint32}
worker:
  command: [$repo/build/xenrecon-blk, --image, '\${params}', --mode, '\${mode}', '--direct=\${direct-io-safe}']
  user: nobody
  drops-privileges: true
  environment: {LD_PRELOAD: ${RIG_BUILD:-$repo/build}/test/rig/hypercall.so, RIG_DIR: $dir, RIG_DOMID: 0}
END

# attach TYPE DEVID IMAGE [DIRECT]: xdisk is served by xenrecon, qdisk by QEMU
attach() {
    local letters=abcdef
    toolstack attach "$1" 7 "$2" --frontend vbd "params=aio:$3" mode=w "dev=xvd${letters:($2 - 51712) / 16:1}" \
        device-type=disk type=qdisk ${4:+"direct-io-safe=$4"} "F:virtual-device=$2" F:device-type=disk
}

# guest NAME WHAT DEVID PATTERN DEPTH ORDER: one sample of a disk of ours, or of QEMU's
guest() {
    local line key
    line=$(as_domain 7 blkfront "$3" bench "$4" --depth "$5" --ring-order "$6" --seconds "$seconds")
    for key in $line; do
        local "${key%%=*}=${key#*=}"
    done
    # shellcheck disable=SC2154  # what the line has set
    sample "$1 rate" "$2" "$requests_per_s"
    # shellcheck disable=SC2154
    sample "$1 p99-us" "$2" "$p99_us"
}

# by_fio WHAT FILE PATTERN DEPTH
by_fio() {
    local out
    out=$(fio --name=x --filename="$2" --direct=1 --ioengine=io_uring --rw="$3" --bs=4k --iodepth="$4" --runtime="$seconds" \
        --time_based --output-format=json | jq '.jobs[0] | (.read, .write) | select(.total_ios > 0) | .iops, .clat_ns.percentile["99.000000"] / 1000')
    sample "fio rate" "$1" "$(head -n 1 <<<"$out")"
    sample "fio p99-us" "$1" "$(tail -n 1 <<<"$out")"
}

# possible WHAT IN-MEMORY DEPTH: requests a second, if xenrecon-blk took no time beyond its part of the way
possible() {
    local fio way
    fio=$(of median "fio rate" "$1")
    way=$(of median "xenrecon rate" "$2")
    if [ "$3" = 1 ]; then
        calc "1 / (1 / $fio + 1 / $way)"
    else
        calc "$fio < $way ? $fio : $way"
    fi
}

# against WHAT OTHER LEAST [MOST]: a row; rates' ratio at least, p99's at most
against() {
    local rate p99 second=""
    rate=$(calc "$(of median "xenrecon rate" "$1") / $(of median "$2 rate" "$1")")
    p99=$(calc "$(of median "xenrecon p99-us" "$1") / $(of median "$2 p99-us" "$1")")
    [ -z "${4:-}" ] || second="$4: $(demand "$1, p99 next to $2" "$p99" "<=" "$4")"
    row "$1" "$(of median "xenrecon rate" "$1")" "$2: $(calc "$(of median "$2 rate" "$1")" 0)" "$rate" \
        "$3: $(demand "$1, next to $2" "$rate" ">=" "$3")" "$(of median "xenrecon p99-us" "$1")" \
        "$(calc "$(of median "$2 p99-us" "$1")" 0)" "$p99" "$second"
}

fresh_store
toolstack domain-create 0
start_domain 7 40000 grants
slow_disk device 256M
device=$slow
slow_disk file 256M
dd if=/dev/zero of="$dir/local" bs=1M count=256 status=none
sync
# QEMU wants a regular file: one on the slow device, as large as fits
slow_disk system 256M
mkfs.ext4 -q "$slow"
mkdir "$dir/mounted"
mount "$slow" "$dir/mounted"
chmod 711 "$dir/mounted"
image=$dir/mounted/image
dd if=/dev/zero of="$image" bs=1M count=192 conv=fdatasync status=none
attach qdisk 51712 "$image"
start_peer 7
serve "$@"
attach xdisk 51728 "$image" 0
attach xdisk 51744 "$device" 1
attach xdisk 51760 "$dir/local" 1
attach xdisk 51776 "$dir/file/disk" 0
memory=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "$dir")/xr.XXXXXX")
chmod 711 "$memory"
dd if=/dev/zero of="$memory/image" bs=1M count=64 status=none
attach xdisk 51792 "$memory/image" 0
await /local/domain/0/backend/xdisk/7/51792/state 2
rm -r "$memory" # it is open
odd="2 ms (1 of 500: 300 ms)"
for ((i = 0; i < rounds; i++)); do
    knobs device read-us=2000 odd-every=500 odd-us=300000
    knobs system read-us=2000 odd-every=500 odd-us=300000
    for who in xenrecon QEMU; do
        dd of="$image" oflag=nocache conv=notrunc,fdatasync count=0 status=none
        [ $who = xenrecon ] && devid=51728 || devid=51712
        guest $who "$odd page cache 32 deep" "$devid" randread 32 0
    done
    guest xenrecon "$odd direct 32 deep" 51744 randread 32 0
    by_fio "$odd direct 32 deep" "$device" randread 32
    knobs device read-us=10000 odd-every=0
    guest xenrecon "10 ms direct 32 deep" 51744 randread 32 0
    by_fio "10 ms direct 32 deep" "$device" randread 32
    guest xenrecon "10 ms direct 128 deep" 51744 randread 128 2
    by_fio "10 ms direct 128 deep" "$device" randread 128
    for pattern in randread randwrite; do
        for depth in 1 32; do
            guest xenrecon "local file direct $pattern $depth deep" 51760 $pattern $depth 0
            by_fio "local file direct $pattern $depth deep" "$dir/local" $pattern $depth
            guest xenrecon "in memory $pattern $depth deep" 51792 $pattern $depth 0
        done
    done
    knobs file read-us=2000 sync-us=300000
    guest xenrecon "reads of 2 ms 32 deep" 51776 randread 32 0
    guest flushed "reads of 2 ms 32 deep" 51776 flushread 32 0
done
stop_xenrecon
stop_peer
pkill -KILL -f "xenrecon-blk .*$memory/" || true

echo "requests of 4 KiB; $rounds rounds of $seconds s"
echo
table what "xenrecon /s" "next to, /s" ratio "at least" "xenrecon, p99 µs" "p99 µs" ratio "at most"
against "$odd page cache 32 deep" QEMU 0.9 1.3
against "$odd direct 32 deep" fio 0.8
against "10 ms direct 32 deep" fio 0.9
against "10 ms direct 128 deep" fio 0.8
for pattern in randread randwrite; do
    for depth in 1 32; do
        against "local file direct $pattern $depth deep" fio 0.9
    done
done
echo
table "of these" "xenrecon /s" "in memory, /s" "possible, /s" ratio
for pattern in randread randwrite; do
    for depth in 1 32; do
        what="local file direct $pattern $depth deep"
        rate=$(of median "xenrecon rate" "$what")
        most=$(possible "$what" "in memory $pattern $depth deep" $depth)
        row "$what" "$rate" "$(of median "xenrecon rate" "in memory $pattern $depth deep")" "$(calc "$most" 0)" \
            "$(calc "$rate / $most")"
    done
done
echo
table what "p99 µs" "and with a flush of 300 ms among 1000" ratio "at most"
what="reads of 2 ms 32 deep"
ratio=$(calc "$(of median "flushed p99-us" "$what") / $(of median "xenrecon p99-us" "$what")")
row "$what" "$(of median "xenrecon p99-us" "$what")" "$(of median "flushed p99-us" "$what")" "$ratio" \
    "2: $(demand "p99 of reads with a flush among them" "$ratio" "<=" 2)"
