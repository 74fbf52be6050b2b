#!/bin/bash
# SPDX-License-Identifier: MIT
# A private xenstored, the real one of Debian, without Xen:
#
#   eval "$(store.sh start DIR [xenstored option...])"    then every libxenstore client speaks to it
#   store.sh stop DIR
#   store.sh options DIR [xenstored option...]            what its command line is, for those who update it live
#
# DIR must be short: the path of a UNIX socket has at most 107 bytes. A store that was stopped or killed can be started
# again in its DIR; it comes up empty, with the same socket. DIR/trace grows by a line for every message when started
# with --trace-file DIR/trace, and DIR/log says why it did not start.
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
xen=$cache/xen
build=${RIG_BUILD:-$repo/build}

die() {
    echo "store.sh: $*" >&2
    exit 1
}

# A zombie is dead, even where nobody reaps it.
alive() {
    local pid state
    pid=$(cat "$dir/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
    read -r _ _ state _ 2>/dev/null <"/proc/$pid/stat" && [ "$state" != Z ]
}

# Sets xenstored, and LD_LIBRARY_PATH for it where Xen's libraries are not installed.
find_xenstored() {
    local libs
    xenstored=$(echo "$xen"/usr/lib/xen-*/bin/xenstored)
    [ -x "$xenstored" ] || die "no xenstored in $xen: run test/deps.sh store"
    libs=$(echo "$xen"/usr/lib/*-linux-gnu*/libxenctrl.so.*) # unpacked only where none is installed
    libs=${libs%% *}
    if [ -e "$libs" ]; then
        export LD_LIBRARY_PATH=${libs%/*}
    fi
}

# Sets options: what every xenstored is run with. Which of them this one knows, it says itself.
choose_options() {
    local known
    known=$("$xenstored" --help 2>&1) || true # some call that a failure
    [[ $known = *--pid-file* ]] || die "$xenstored does not say what its options are: $known"
    options=(--no-fork --pid-file "$dir/pid")
    [[ $known != *--internal-db* ]] || options+=(--internal-db=on) # others have no other way
}

start() {
    [ -e "$build/test/rig/hypercall.so" ] || die "no hypercall.so in $build/test/rig: run make rig"
    [ "$(printf %s "$dir/socket" | wc -c)" -le 107 ] || die "$dir is too long for a socket's path"
    ! alive || die "$dir has a running store"
    [ -z "${LD_LIBRARY_PATH:-}" ] || echo "export LD_LIBRARY_PATH=$LD_LIBRARY_PATH"
    rm -f "$dir/socket" "$dir/pid"
    export XENSTORED_PATH=$dir/socket XENSTORED_RUNDIR=$dir
    RIG_DIR=$dir XENSTORED_ROOTDIR=$dir LD_PRELOAD=$build/test/rig/hypercall.so setsid "$xenstored" \
        "${options[@]}" "$@" </dev/null >"$dir/log" 2>&1 &
    local pid=$! up=
    for _ in $(seq 6000); do # the socket is there before anybody listens
        if [ -S "$dir/socket" ] && [ -s "$dir/pid" ] && timeout 60 "$xen/usr/bin/xenstore-exists" / 2>>"$dir/log"; then
            up=yes
            break
        fi
        kill -0 $pid 2>/dev/null || break
        sleep 0.01
    done
    if [ -z "$up" ]; then
        cat "$dir/log" >&2
        kill $pid 2>/dev/null || true
        die "xenstored did not start in $dir"
    fi
    echo "export XENSTORED_PATH=$XENSTORED_PATH XENSTORED_RUNDIR=$XENSTORED_RUNDIR RIG_DIR=$dir"
    case :$PATH: in
    *:$xen/usr/bin:*) ;;
    *) echo "export PATH=$xen/usr/bin:$build/test/rig:\$PATH" ;;
    esac
}

# The socket stays, as after a crash.
stop() {
    alive || return 0
    kill "$(cat "$dir/pid")"
    for _ in $(seq 6000); do
        alive || return 0
        sleep 0.01
    done
    die "xenstored in $dir does not end"
}

[ $# -ge 2 ] || die "usage: store.sh start|stop|options DIR [xenstored option...]"
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
case $command in
start | options)
    find_xenstored
    choose_options
    if [ "$command" = start ]; then
        start "$@"
    else
        echo "${options[@]}" "$@"
    fi
    ;;
stop) stop ;;
*) die "$command: no such command" ;;
esac
