#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the initial RAM disks of dom0 and of the guests:   image.sh FETCHED OUT
#
# FETCHED is what fetch.sh made. OUT/dom0.cpio has the tools of Xen, QEMU, xenrecon with its policies as `make install` puts
# them, two of the rig's programs, the scenarios, and what guests boot: /boot/vmlinux, /boot/guest.cpio, /boot/driver.cpio,
# which a driver domain gets after it, and /boot/grub, which boots them from a disk.
#
# What we built is of this system; all that it runs with, libraries first, is FETCHED's, which may be of another release of
# Debian. That works where the names of the libraries are the same and FETCHED's are no older: Debian 12's programs run with
# Debian 13's libraries. Where they cannot, this says so and fails.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
fetched=$1 out=$2
root=$fetched/root
release=$(cat "$fetched/boot/release")
shared=$root/usr/lib/x86_64-linux-gnu
busybox=$root/usr/bin/busybox
tools=$(echo "$root"/usr/lib/xen-[0-9]*/bin)
libexec=${tools#"$root"/} # a path that Xen's tools have built in
trap 'rm -rf "$out"' EXIT
rm -rf "$out"
mkdir -p "$out"

die() {
    echo "image.sh: $*" >&2
    exit 1
}

# into TREE DIR PROGRAM...: copies them, with their libraries
into() {
    local tree=$1 dir=$2
    shift 2
    mkdir -p "$out/$tree/$dir"
    cp -L "$@" "$out/$tree/$dir"
    libraries "$tree" "$@"
}

# libraries TREE PROGRAM...: what FETCHED's loader finds for them.
libraries() {
    local tree=$out/$1 program needed
    shift
    mkdir -p "$tree/lib64" "$tree/lib/x86_64-linux-gnu"
    cp -Lu "$shared/ld-linux-x86-64.so.2" "$tree/lib64"
    for program; do
        needed=$("$shared/ld-linux-x86-64.so.2" --library-path "$shared" --list "$program" 2>&1) || die "${program##*/} does not run with the libraries of ${fetched##*/}: $needed"
        [[ $needed != *"not found"* ]] || die "${program##*/} does not run with the libraries of ${fetched##*/}: $needed"
        sed -n "s|.* => \($root/[^ ]*\) .*|\1|p" <<<"$needed" | xargs cp -Lut "$tree/lib/x86_64-linux-gnu"
    done
}

# modules TREE NAME...: with what they depend on, unpacked, for modprobe
modules() {
    local dir=lib/modules/$release tree name path
    tree=$out/$1
    shift
    mkdir -p "$tree/$dir"
    for name; do
        grep -E "/${name//[-_]/[-_]}\.ko[.a-z]*:" "$root/$dir/modules.dep" || die "the kernel has no module $name"
    done >"$tree/wanted"
    for path in $(tr -s ': ' '\n' <"$tree/wanted" | sort -u); do
        grep "^$path:" "$root/$dir/modules.dep" >>"$tree/$dir/modules.dep"
        [ -e "$tree/$dir/${path/%.ko.*/.ko}" ] || unpack "$root/$dir/$path" "$tree/$dir/${path/%.ko.*/.ko}"
    done
    rm "$tree/wanted"
    sed -i -E 's/(\.ko)\.[a-z]+/\1/g' "$tree/$dir/modules.dep"
    sort -u -o "$tree/$dir/modules.dep" "$tree/$dir/modules.dep"
}

# unpack MODULE TO
unpack() {
    mkdir -p "${2%/*}"
    case $1 in
    *.xz) "$busybox" xzcat "$1" >"$2" ;;
    *.zst) zstd -dcq "$1" >"$2" ;;
    *.gz) zcat "$1" >"$2" ;;
    *) cp "$1" "$2" ;;
    esac
}

# base TREE INIT: busybox, bash, the tools that every domain has
base() {
    mkdir -p "$out/$1"/{bin,usr/bin,etc}
    cp "$busybox" "$out/$1/bin"
    install -m 755 "$here/$2" "$out/$1/init"
    into "$1" bin "$root/usr/bin/bash"
    into "$1" usr/bin "$root/usr/bin/xenstore"
    cp -P "$root"/usr/bin/xenstore-* "$out/$1/usr/bin"
    into "$1" usr/bin "$repo"/build/test/rig/{toolstack,flood}
    modules "$1" xen-evtchn xen-gntdev xen-gntalloc ext4 crc32c_generic
}

# What serves devices: back drivers, hotplug scripts, xl, xenrecon.
backend() {
    into "$1" "$libexec" "$tools/xl"
    into "$1" usr/bin "$root/usr/bin/flock" # for the scripts
    ln -s "/${libexec%/bin}" "$out/$1/usr/lib/xen"
    into "$1" lib/x86_64-linux-gnu "$shared/libgcc_s.so.1" # loaded by name when a thread ends
    mkdir -p "$out/$1/etc"
    cp -a "$root/etc/xen" "$out/$1/etc"
    modules "$1" xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs loop xen-blkback xen-netback bridge
    make -s -C "$repo" install DESTDIR="$out/$1"
    libraries "$1" "$out/$1"/usr/local/{sbin,libexec/xenrecon}/*
    install -D -m 644 "$repo/deploy/examples/qdisk.yaml" "$out/$1/etc/xenrecon/examples/qdisk.yaml"
    sed -i 's|/usr/libexec/|/usr/local/libexec/|' "$out/$1/etc/xenrecon/examples/qdisk.yaml"
}

archive() {
    (cd "$out/$1" && find . | "$busybox" cpio -o -H newc) >"$2"
    rm -r "${out:?}/$1"
}

base guest guest-init.sh
modules guest xen-blkfront xen-netfront
backend driver
base dom0 dom0-init.sh
backend dom0
into dom0 "$libexec" "$tools"/{libxl-save-helper,xenstored,oxenstored,xenconsoled,xen-init-dom0,xenstore-control}
for plugin in "${tools%/bin}"/ocaml/xsd_glue/*/*.cmxs; do # what oxenstored loads, from 4.20 on
    [ ! -e "$plugin" ] || into dom0 "$(dirname "${plugin#"$root"/}")" "$plugin"
done
into dom0 usr/libexec "$root/usr/libexec/xen-qemu-system-i386" # where libxl looks for it
install -D -m 644 /dev/null "$out/dom0/usr/share/qemu/keymaps/en-us" # QEMU wants one, whatever it says
into dom0 usr/bin "$root"/usr/bin/qemu-{img,storage-daemon}
mkdir -p "$out/dom0/boot" "$out/dom0/xen"
cp "$fetched/boot/vmlinux" "$out/dom0/boot"
cp "$root/usr/lib/grub-xen/grub-x86_64-xen.bin" "$out/dom0/boot/grub"
cp -r "$here/lib.sh" "$here/scenarios" "$out/dom0/xen"
basename "${tools%/bin}" >"$out/dom0/xen/version" # xen-4.20
archive guest "$out/dom0/boot/guest.cpio"
archive driver "$out/dom0/boot/driver.cpio"
archive dom0 "$out/dom0.cpio"
trap - EXIT
