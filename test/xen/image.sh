#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the initial RAM disks of dom0 and of the guests:   image.sh FETCHED QEMU OUT
#
# FETCHED is what fetch.sh made, QEMU what test/rig/qemu.sh unpacked. OUT/dom0.cpio has the tools of Xen, QEMU, xenrecon with
# its policies as `make install` puts them, the rig's programs, the scenarios, and what guests boot: /boot/vmlinux,
# /boot/guest.cpio, /boot/driver.cpio, which a driver domain gets after it, and /boot/grub, which boots them from a disk.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
fetched=$1 qemu=$2 out=$3
root=$fetched/root
release=$(cat "$fetched/boot/release")
tools=$(echo "$root"/usr/lib/xen-[0-9]*/bin)
libexec=${tools#"$root"/} # a path that Xen's tools have built in
rm -rf "$out"
mkdir -p "$out"

# into TREE DIR PROGRAM...: copies them, with their libraries
into() {
    local tree=$1 dir=$2
    shift 2
    mkdir -p "$out/$tree/$dir"
    cp -L "$@" "$out/$tree/$dir"
    libraries "$tree" "$@"
}

# libraries TREE PROGRAM...
libraries() {
    local tree=$out/$1 library
    shift
    mkdir -p "$tree/lib64" "$tree/lib/x86_64-linux-gnu"
    LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$qemu/usr/lib/x86_64-linux-gnu:$qemu/lib/x86_64-linux-gnu ldd "$@" 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' | sort -u |
        while read -r library; do
            case $library in
            */ld-linux-*) cp -Lu "$library" "$tree/lib64" ;;
            *) cp -Lu "$library" "$tree/lib/x86_64-linux-gnu" ;;
            esac
        done
}

# modules TREE NAME...: with what they depend on, for modprobe
modules() {
    local dir=lib/modules/$release tree name path
    tree=$out/$1
    shift
    mkdir -p "$tree/$dir"
    for name; do
        grep -E "/${name//[-_]/[-_]}\.ko:" "$root/$dir/modules.dep" || {
            echo "image.sh: the kernel has no module $name" >&2
            exit 1
        }
    done >>"$tree/$dir/modules.dep"
    for path in $(tr -s ': ' '\n' <"$tree/$dir/modules.dep" | sort -u); do
        [ -e "$tree/$dir/$path" ] || install -D -m 644 "$root/$dir/$path" "$tree/$dir/$path"
        grep "^$path:" "$root/$dir/modules.dep" >>"$tree/$dir/modules.dep"
    done
    sort -u -o "$tree/$dir/modules.dep" "$tree/$dir/modules.dep"
}

# base TREE INIT: busybox, bash, the tools that every domain has
base() {
    mkdir -p "$out/$1"/{bin,usr/bin,etc}
    cp "$root/bin/busybox" "$out/$1/bin"
    install -m 755 "$here/$2" "$out/$1/init"
    into "$1" bin /bin/bash
    into "$1" usr/bin "$root/usr/bin/xenstore"
    cp -P "$root"/usr/bin/xenstore-* "$out/$1/usr/bin"
    into "$1" usr/bin "$repo"/build/test/rig/{toolstack,flood}
    modules "$1" xen-evtchn xen-gntdev xen-gntalloc ext4 crc32c_generic
}

# What serves devices: back drivers, hotplug scripts, xl, xenrecon.
backend() {
    into "$1" "$libexec" "$tools/xl"
    into "$1" usr/bin /usr/bin/flock # for the scripts
    ln -s "/${libexec%/bin}" "$out/$1/usr/lib/xen"
    into "$1" lib/x86_64-linux-gnu /lib/x86_64-linux-gnu/libgcc_s.so.1 # loaded by name when a thread ends
    mkdir -p "$out/$1/etc"
    cp -a "$root/etc/xen" "$out/$1/etc"
    modules "$1" xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs loop xen-blkback xen-netback bridge
    make -s -C "$repo" install DESTDIR="$out/$1"
    libraries "$1" "$out/$1"/usr/local/{sbin,libexec/xenrecon}/*
    install -D -m 644 "$repo/deploy/examples/qdisk.yaml" "$out/$1/etc/xenrecon/examples/qdisk.yaml"
    sed -i 's|/usr/libexec/|/usr/local/libexec/|' "$out/$1/etc/xenrecon/examples/qdisk.yaml"
}

archive() {
    (cd "$out/$1" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null) >"$2"
    rm -r "${out:?}/$1"
}

base guest guest-init.sh
modules guest xen-blkfront xen-netfront
backend driver
base dom0 dom0-init.sh
backend dom0
into dom0 "$libexec" "$tools"/{libxl-save-helper,xenstored,oxenstored,xenconsoled,xen-init-dom0,xenstore-control}
into dom0 usr/libexec "$qemu/usr/libexec/xen-qemu-system-i386" # where libxl looks for it
install -D -m 644 /dev/null "$out/dom0/usr/share/qemu/keymaps/en-us" # QEMU wants one, whatever it says
mkdir -p "$out/dom0/boot" "$out/dom0/xen"
cp "$fetched/boot/vmlinux" "$out/dom0/boot"
cp "$root/usr/lib/grub-xen/grub-x86_64-xen.bin" "$out/dom0/boot/grub"
cp -r "$here/lib.sh" "$here/scenarios" "$out/dom0/xen"
archive guest "$out/dom0/boot/guest.cpio"
archive driver "$out/dom0/boot/driver.cpio"
archive dom0 "$out/dom0.cpio"
