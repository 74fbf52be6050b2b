#!/bin/bash
# SPDX-License-Identifier: MIT
# One disk of one guest, served by xenrecon-blk under xenrecon and by the real QEMU, both at the same time and measured by
# turns: how much they get done, what it costs them on processors (all threads of the backend; the guest's part is the
# same program), and the memory that they take for one disk and for eight. The images are equal, in memory and
# preallocated. A megabyte goes as one request where the backend can (xenrecon: two of them under way), and else in
# pieces of 44 KiB (QEMU: 32 of them, which is what a ring of one page holds).
#
#   FORMAT=qcow2 test/bench/block.sh    the same with images of that format, which a qemu-storage-daemon opens for xenrecon;
#                                       URING=1: with --io-uring
# shellcheck source=test/bench/lib.sh
[ ! -w /dev/shm ] || export XR_TMP=${XR_TMP:-/dev/shm}
. "$(dirname "$0")/lib.sh"
# shellcheck source=test/bench/peer.sh
. "$repo/test/bench/peer.sh"

format=${FORMAT:-aio}
seconds=$(either 1 2)
rounds=${ROUNDS:-$(either 1 5)}
mebibytes=$(either 64 512)
points=("4k randread 1" "4k randread 32" "4k randwrite 1" "4k randwrite 32" "1M read" "1M write")
declare -A devid=([xenrecon]=51728 [QEMU]=51712) large=([xenrecon]=2 [QEMU]=32) first_page=([xenrecon]=16 [QEMU]=9000)
more=(1 2 3 4 5 6 7) # disks, of each backend

# ---- disks

chmod 711 "$dir"
policy xdisk <<END
frontend: vbd
owner: xenrecon
backend-keys:
  params: {required: true}
  mode: {required: true, enum: [r, w]}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
  event-channel: {type: uint32, required: connect}
  protocol:
worker:
  command: [$repo/build/xenrecon-blk, --image, '\${params}', --mode, '\${mode}']
  user: nobody
  formats: [$repo/build/xenrecon-blk, --serve-formats, ${URING:+--io-uring, }--, /usr/bin/qemu-storage-daemon]
  drops-privileges: true
  environment: {LD_PRELOAD: ${RIG_BUILD:-$repo/build}/test/rig/hypercall.so, RIG_DIR: $dir, RIG_DOMID: 0}
END

# make_image NAME MIB
make_image() {
    if [ "$format" = aio ]; then
        dd if=/dev/zero of="$dir/$1" bs=1M count="$2" status=none
    else
        qemu-img create -q -f "$format" -o preallocation=full "$dir/$1" "$2M"
    fi
    chmod 666 "$dir/$1"
}

# attach BACKEND DEVID IMAGE
attach() {
    local type=xdisk letters=abcdefghijklmnopqrstuvwxyz
    [ "$1" = xenrecon ] || type=qdisk
    toolstack attach $type 7 "$2" --frontend vbd "params=$format:$dir/$3" mode=w "dev=xvd${letters:($2 - 51712) / 16:1}" device-type=disk type=qdisk \
        "F:virtual-device=$2" F:device-type=disk
}

# pids BACKEND: the processes that serve its disks
pids() {
    if [ "$1" = QEMU ]; then
        echo "$peer"
    else
        sed -nE 's/.*: (worker|server of formats) ([0-9]*) started$/\2/p' "$dir/xenrecon.log"
        pgrep -P "$(sed -nE 's/.*: server of formats ([0-9]*) started$/\1/p' "$dir/xenrecon.log" | paste -sd ,)" 2>/dev/null || true
    fi
}

# ---- frontends that stay connected and measure what they are told

declare -A ask answer player
start_frontend() {
    local to from
    mkfifo "$dir/$1.ask" "$dir/$1.answer"
    as_domain 7 blkfront "${devid[$1]}" bench --depth 32 --segments 256 --seconds "$seconds" \
        --page "${first_page[$1]}" <"$dir/$1.ask" >"$dir/$1.answer" &
    exec {to}>"$dir/$1.ask" {from}<"$dir/$1.answer"
    ask[$1]=$to answer[$1]=$from player[$1]=$!
}

end_frontend() {
    echo "end 0" >&"${ask[$1]}"
    wait "${player[$1]}" || fail "the frontend of $1"
}

# cpu_ticks PID...: centiseconds on processors, of all threads there were
cpu_ticks() {
    local pid
    for pid; do
        sed 's/.*) //' "/proc/$pid/stat"
    done | awk '{ n += $12 + $13 } END { print n }'
}

# measure BACKEND POINT
measure() {
    local size pattern depth line before after pids key count bytes=4096
    read -r size pattern depth <<<"$2"
    mapfile -t pids < <(pids "$1")
    before=$(cpu_ticks "${pids[@]}")
    echo "$pattern ${depth:-${large[$1]}}" >&"${ask[$1]}"
    read -r line <&"${answer[$1]}"
    after=$(cpu_ticks "${pids[@]}")
    for key in $line; do
        local "${key%%=*}=${key#*=}"
    done
    # shellcheck disable=SC2154  # what the line has set
    count=$(calc "$requests * $bytes / $([ "$size" = 4k ] && echo 4096 || echo 1048576)")
    sample "$1 rate" "$2" "$(calc "$count / $seconds" 0)"
    sample "$1 per-cpu" "$2" "$(calc "$count * 100 / ($after - $before + 1)" 0)"
    # shellcheck disable=SC2154
    sample "$1 p99-us" "$2" "$p99_us"
}

# ---- memory

# memory BACKEND WHAT: of its processes without what belongs to the guest, which the rig has them map: KiB
memory() {
    local pid
    for pid in $(pids "$1"); do
        cat "/proc/$pid/smaps_rollup"
    done | awk -v want="$2" '$1 == "Pss_Anon:" { n += $2 } $1 == "Pss_File:" && want == "all" { n += $2 } END { print n }'
}

# The further disks of a backend: attached, used, left connected.
use_more() {
    local i
    for i in "${more[@]}"; do
        make_image "$1.$i" 16
        attach "$1" $((devid[$1] + 32 * i)) "$1.$i"
    done
    for i in "${more[@]}"; do
        as_domain 7 blkfront $((devid[$1] + 32 * i)) bench read --segments 256 --depth "${large[$1]}" --seconds 1 --leave \
            --page $((first_page[$1] + 9000 + 1000 * i)) >/dev/null
    done
}

# ---- run

fresh_store
toolstack domain-create 0
start_domain 7 40000 grants
for backend in xenrecon QEMU; do
    make_image $backend "$mebibytes"
    attach $backend "${devid[$backend]}" $backend
done
start_peer 7
serve "$@"
for backend in xenrecon QEMU; do
    start_frontend $backend
done
for ((i = 0; i < rounds; i++)); do
    for point in "${points[@]}"; do
        for backend in xenrecon QEMU; do
            measure $backend "$point"
        done
    done
done
for backend in xenrecon QEMU; do
    sample "$backend anonymous" 1 "$(memory $backend anonymous)"
    sample "$backend resident" 1 "$(memory $backend all)"
    use_more $backend
    sample "$backend anonymous" 8 "$(memory $backend anonymous)"
    sample "$backend resident" 8 "$(memory $backend all)"
done

for backend in xenrecon QEMU; do
    end_frontend $backend
done
stop_xenrecon
mapfile -t workers < <(pids xenrecon) # which it leaves running
kill "${workers[@]}"

# spread VARIANT POINT: the median, and the noise
spread() { echo "$(of median "$1" "$2") ($(of min "$1" "$2")..$(of max "$1" "$2"))"; }
# ratio WHAT POINT: of medians
ratio() { calc "$(of median "xenrecon $1" "$2") / $(of median "QEMU $1" "$2")"; }

# demanded POINT: a format takes two processes where QEMU takes one, so it is the rate that counts
demanded() {
    if [ "$format" = aio ]; then
        demand "$1 per CPU second, of QEMU's" "$(ratio per-cpu "$1")" ">=" 1
    else
        demand "$1 of QEMU's rate" "$(ratio rate "$1")" ">=" 0.85
    fi
}

echo "requests of 4 KiB, or MiB; $rounds rounds of $seconds s"
echo
table what "xenrecon /s" "QEMU /s" ratio "xenrecon / CPU s" "QEMU / CPU s" ratio "" "p99 µs" "QEMU p99 µs"
for point in "${points[@]}"; do
    row "$point" "$(spread "xenrecon rate" "$point")" "$(spread "QEMU rate" "$point")" "$(ratio rate "$point")" \
        "$(spread "xenrecon per-cpu" "$point")" "$(spread "QEMU per-cpu" "$point")" "$(ratio per-cpu "$point")" \
        "$(demanded "$point")" \
        "$(of median "xenrecon p99-us" "$point")" "$(of median "QEMU p99-us" "$point")"
done
echo
table disks "xenrecon, KiB a disk" "of it anonymous" "QEMU, KiB a disk" "of it anonymous" ratio "at most" ""
for n in 1 8; do
    share=$(ratio resident $n)
    row $n "$(calc "$(of median "xenrecon resident" $n) / $n" 0)" "$(calc "$(of median "xenrecon anonymous" $n) / $n" 0)" \
        "$(calc "$(of median "QEMU resident" $n) / $n" 0)" "$(calc "$(of median "QEMU anonymous" $n) / $n" 0)" "$share" 0.2 \
        "$([ "$format" != aio ] || demand "memory of $n disk(s), of QEMU's" "$share" "<=" 0.2)"
done
if [ "$format" != aio ]; then
    first=$(calc "$(of median "xenrecon resident" 1) / 1024" 1)
    further=$(calc "($(of median "xenrecon resident" 8) - $(of median "xenrecon resident" 1)) / 7 / 1024" 1)
    echo
    echo "MiB of the first disk: $first ($(demand "memory of the first" "$first" "<=" 10)); of each further: $further ($(demand "memory of each further" "$further" "<=" 2))"
fi
