#!/bin/bash
# SPDX-License-Identifier: MIT
# The peer: Debian's real QEMU, as libxl starts it for a PV guest's disks. In the environment of a store (store.sh):
#
#   qemu.sh get                  downloads and unpacks it into the cache (lib/cache.sh), unless it is there
#   qemu.sh run DOMID [OPTION]   serves qdisk/DOMID/* from domain 0, in the foreground
# shellcheck enable=check-set-e-suppressed
# shellcheck source=test/lib/fetch.sh
. "$(dirname "$0")/../lib/fetch.sh"
build=${RIG_BUILD:-$repo/build}

libraries_of() {
    local found
    found=$(echo "$1"/usr/lib/*-linux-gnu* "$cache"/xen/usr/lib/*-linux-gnu* "$1"/lib/*-linux-gnu*)
    echo "${found// /:}"
}

# missing_in FOLDER: which libraries it does not find
missing_in() {
    LD_LIBRARY_PATH=$(libraries_of "$1") ldd "$1/usr/libexec/xen-qemu-system-i386" | sed -n '/not found/p'
}

# The package and those that it needs and that are not installed, which stay uninstalled.
make_qemu() {
    local missing
    mkdir "$1/partial"
    with_lists "${apt_get[@]}" -y --no-install-recommends --download-only -o Debug::NoLocking=1 -o "Dir::Cache::archives=$1" \
        install qemu-system-xen
    unpack "$1"
    rmdir "$1/partial"
    missing=$(missing_in "$1")
    [ -z "$missing" ] || die "the unpacked QEMU lacks libraries: $missing"
}

get() {
    local missing
    if [ -e "$cache/qemu/stamp" ]; then # somebody may have removed what was installed then
        missing=$(missing_in "$cache/qemu")
        [ -z "$missing" ] || rm "$cache/qemu/stamp"
    fi
    cached qemu 1 "unpacking Debian's QEMU for Xen into $cache/qemu" make_qemu
}

run() {
    local domid=$1
    shift
    [ -e "$cache/qemu/stamp" ] || die "no QEMU in $cache: qemu.sh get"
    export RIG_DOMID=0 LD_PRELOAD=$build/test/rig/hypercall.so LD_LIBRARY_PATH
    LD_LIBRARY_PATH=$(libraries_of "$cache/qemu")
    exec "$cache/qemu/usr/libexec/xen-qemu-system-i386" -xen-domid "$domid" -xen-attach -name peer -nodefaults -no-user-config -nographic -M xenpv \
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
