#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks of one guest attached in a burst, one transaction each, on a fresh store: from the toolstack's first write to the
# last InitWait, next to the same writes with nobody watching, and to the real QEMU.
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

policy_qdisk </dev/null
read -r -a sizes <<<"$(either "16 32" "16 32 64 128 256 512")"
read -r -a peer_sizes <<<"$(either "16" "64 256 512")"
rounds=${ROUNDS:-$(either 1 7)}
for ((i = 0; i < 512; i++)); do
    : >"$dir/image7.$i" # attach names them by guest and disk
done
truncate -s 1M "$dir"/image*
burst() { "$tools/attach" burst 7 1 0 "$1" "raw:$dir/image" "${@:2}"; }

compared=no
if [ -e "$repo/test/bench/peer.sh" ]; then
    # shellcheck source=test/bench/peer.sh
    . "$repo/test/bench/peer.sh" && compared=yes
fi

with_peer() {
    fresh_store
    rigctl create 7
    toolstack domain-create 7
    start_peer 7
    sample QEMU "$1" "$(burst "$1" --await | cut -d ' ' -f 2)"
    stop_peer
    rigctl destroy 7
}

sync # what was built and unpacked a moment ago would be written to the disk meanwhile
for ((i = 0; i < rounds; i++)); do
    for n in "${sizes[@]}"; do
        in_turns "$n" 64
    done
done
if [ $compared = yes ]; then
    for ((i = 0; i < (rounds + 1) / 2; i++)); do
        for n in "${peer_sizes[@]}"; do
            with_peer "$n"
        done
    done
fi

table disks "nobody watching" xenrecon ratio "at most" "" QEMU "QEMU / xenrecon"
for n in "${sizes[@]}"; do
    ratio=$(calc "$(of min xenrecon "$n") / $(of min alone "$n")")
    qemu=- faster=-
    if [ $compared = yes ] && [[ " ${peer_sizes[*]} " == *" $n "* ]]; then
        qemu=$(ms QEMU "$n")
        faster=$(calc "$(of min QEMU "$n") / $(of min xenrecon "$n")" 1)
        [ "$n" != 512 ] || faster+=" (at least 4: $(demand "512 disks, times faster than QEMU" "$faster" ">=" 4))"
    fi
    row "$n" "$(ms alone "$n")" "$(ms xenrecon "$n")" "$ratio" 1.5 "$(demand "$n disks, ratio to nobody watching" "$ratio" "<=" 1.5)" \
        "$qemu" "$faster"
done
[ $compared = yes ] || echo "QEMU is not here: no comparison with it"
