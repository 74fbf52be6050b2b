# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For integration tests with disks that xenrecon-blk serves, after testlib.sh: domain 7 in the rig has them.
# shellcheck disable=SC2034,SC2119,SC2120,SC2154  # what testlib.sh sets, and for whom sources this
XENRECON_BLK=${XENRECON_BLK:-$(dirname "${xenrecon[-1]}")/xenrecon-blk}

# What a worker can have of its jail: `whole`; `calls`, where we may not become other users; or `none`.
jail_here() {
    if [ ! -e /proc/sys/kernel/seccomp/actions_avail ]; then
        echo none
    elif setpriv --reuid 1900000007 --regid 1900000007 --clear-groups true 2>/dev/null; then
        echo whole
    else
        echo calls
    fi
}

# A worker that is locked in can be reached by no sanitizer, by no valgrind, and counts no branches: they open files when
# they have something to say.
jail=$(jail_here)
[ -z "${ASAN_OPTIONS:-}${TSAN_OPTIONS:-}${NO_JAIL:-}" ] || jail=none

# block_policy [LINE...]: the example's, with the rig's libraries; further lines are for the worker
block_policy() {
    local option=
    [ "$jail" != none ] || option=", --no-jail"
    [ "$jail" != whole ] || set -- "uid-base: 1900000000" "drops-privileges: true" "$@"
    chmod 711 "$dir" # each worker is a user of its own
    mkdir -p "$dir/policies"
    {
        sed '/^worker:/,/^deadlines:/d' "$repo/deploy/examples/qdisk.yaml"
        echo "worker:"
        echo "  command: ['$XENRECON_BLK', '--image=\${params}', '--mode=\${mode}', '--device-type=\${device-type}',"
        echo "            '--discard=\${discard-enable}', '--direct=\${direct-io-safe}'$option]"
        echo "  environment: {LD_PRELOAD: '${RIG_BUILD:-$repo/build}/test/rig/hypercall.so', RIG_DIR: '$dir',"
        echo "                ASAN_OPTIONS: '${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0', UBSAN_OPTIONS: '${UBSAN_OPTIONS:-}',"
        echo "                TSAN_OPTIONS: '${TSAN_OPTIONS:-}'}"
        [ $# = 0 ] || printf '  %s\n' "$@"
        echo "retry: {initial: 10ms, max: 20ms}"
    } >"$dir/policies/qdisk.yaml"
}

# attach_disk DEVID SIZE [KEY=VALUE...]: with an image of its own, unless it is there; sets b, f and image
attach_disk() {
    local devid=$1 size=$2
    shift 2
    image=$dir/disk.$devid
    b=/local/domain/0/backend/qdisk/7/$devid
    f=/local/domain/7/device/vbd/$devid
    [ -e "$image" ] || truncate -s "$size" "$image"
    toolstack attach qdisk 7 "$devid" --frontend vbd "params=raw:$image" mode=w dev=xvda device-type=disk type=qdisk \
        discard-enable=1 "F:virtual-device=$devid" F:device-type=disk "$@"
}

# blk COMMAND [OPTION...]: the frontend of the last disk attached
blk() {
    as_domain 7 blkfront "${b##*/}" "$@"
}

# workers: the processes, of this test alone
workers() {
    pgrep -f "xenrecon-blk .*$dir/" || true
}

# verify_and_kill NAME WRITES BEFORE VICTIM...: while so many writes are under way, each of the victims in turn, after BEFORE
# with the guest's process, until they are done; and again, until there were five kills
kills_so_far=1
verify_and_kill() {
    local name=$1 writes=$2 before=$3 pid status=0 kills=0 victim
    shift 3
    while [ $status = 0 ] && [ $kills -lt 5 ]; do
        blk verify --count "${WRITES:-$writes}" --seed "$((kills_so_far + kills))" >"$dir/out" 2>&1 &
        pid=$!
        while kill -0 $pid 2>/dev/null; do
            for victim; do
                $before $pid
                sleep "0.$(printf %03d $((RANDOM % 150 + 50)))"
                $victim
                kills=$((kills + 1))
            done
        done
        wait $pid || status=$?
    done
    [ $status = 0 ] || cat "$dir/out"
    check "$name: no error, nothing lost, killed five times or more" $status 0
    kills_so_far=$((kills_so_far + kills))
}

# kill_all COMMAND...: the processes that it prints
kill_all() {
    local pids
    mapfile -t pids < <("$@")
    [ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
}

restart_xenrecon() {
    kill_xenrecon
    start_xenrecon --policies "$dir/policies"
}
