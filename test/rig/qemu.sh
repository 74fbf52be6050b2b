#!/bin/bash
# SPDX-License-Identifier: MIT
# The peer: Debian's real QEMU, as libxl starts it for a PV guest's disks. In the environment of a store (store.sh):
#
#   qemu.sh get                  downloads and unpacks it into the cache (lib/cache.sh), unless it is there
#   qemu.sh run DOMID [OPTION]   serves qdisk/DOMID/* from domain 0, in the foreground
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
qemu=$cache/qemu/usr/libexec/xen-qemu-system-i386
build=${RIG_BUILD:-$repo/build}

die() {
    echo "qemu.sh: $*" >&2
    exit 1
}

libraries() {
    local found
    found=$(echo "$cache"/{qemu,xen}/usr/lib/*-linux-gnu* "$cache"/qemu/lib/*-linux-gnu*)
    echo "${found// /:}"
}

works() {
    [ -x "$qemu" ] && ! LD_LIBRARY_PATH=$(libraries) ldd "$qemu" | grep -q 'not found'
}

# The package and those that it needs and that are not installed, which stay uninstalled.
download() {
    apt-get install -y -qq --no-install-recommends --download-only -o Acquire::Retries=3 -o APT::Sandbox::User=root \
        -o Debug::NoLocking=1 -o "Dir::Cache::archives=$1" qemu-system-xen
}

get() {
    local new deb
    ! works || return 0
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    ! works || return 0
    echo "unpacking Debian's QEMU for Xen into $cache/qemu" >&2
    new=$(mktemp -d "$cache/qemu.XXXXXX")
    mkdir "$new/partial"
    download "$new" >"$new/said" 2>&1 || { apt-get update -qq && download "$new"; } >>"$new/said" 2>&1 || {
        cat "$new/said" >&2
        die "cannot download Debian's qemu-system-xen"
    }
    for deb in "$new"/*.deb; do
        dpkg -x "$deb" "$new"
    done
    rm -rf "$new"/{*.deb,partial} "$cache/qemu"
    mv -T "$new" "$cache/qemu"
    works || die "the unpacked QEMU lacks libraries"
}

run() {
    local domid=$1
    shift
    works || die "no QEMU in $cache: qemu.sh get"
    export RIG_DOMID=0 LD_PRELOAD=$build/test/rig/hypercall.so LD_LIBRARY_PATH
    LD_LIBRARY_PATH=$(libraries)
    exec "$qemu" -xen-domid "$domid" -xen-attach -name peer -nodefaults -no-user-config -nographic -M xenpv \
        -monitor none -serial none -m 64 "$@"
}

case ${1:-} in
get) get ;;
run)
    [ $# -ge 2 ] || die "run whom?"
    shift
    run "$@"
    ;;
*) die "usage: qemu.sh get | run DOMID [OPTION...]" ;;
esac
