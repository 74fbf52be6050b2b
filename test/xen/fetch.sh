#!/bin/bash
# SPDX-License-Identifier: MIT
# Fetches what the emulated machine runs, without installing it:   fetch.sh DIR
#
# Debian's packages of Xen, of a kernel, of GRUB for guests and of busybox are unpacked into DIR/root, and Xen and the kernel made ready to boot
# in DIR/boot. Does nothing when DIR has the versions that apt offers today; without apt's lists, it keeps what is there.
# The first time it downloads about 75 MB.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)

die() {
    echo "fetch.sh: $*" >&2
    exit 1
}

depends() {
    apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@"
}

# Prints the packages' names. Debian drops the packages of a kernel when a new one comes, so that apt has to name it.
packages() {
    local version kernel libraries
    kernel=$(depends linux-image-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
    version=$(depends libxen-dev | sed -n 's/.*Depends: libxenmisc\([0-9.]*\)$/\1/p' | head -n 1)
    [ -n "$kernel" ] && [ -n "$version" ] || return 1
    libraries=$(depends --recurse "xen-utils-$version" xenstore-utils | grep -E '^(libxen[a-z]*|libyajl)[0-9.]+$' | sort -u)
    echo "$kernel" busybox-static grub-xen-host "xen-hypervisor-$version-amd64" "xen-utils-$version" xen-utils-common xenstore-utils \
        "$libraries" | tr '\n' ' '
}

# files PACKAGE...: what they are called today, with their versions
files() {
    apt-cache show --no-all-versions "$@" | sed -n 's|^Filename: .*/||p' | sort
}

# Into a folder beside the old one: complete or not there
unpack() {
    local deb new=$dir/new vmlinuz xen
    rm -rf "$new"
    mkdir -p "$new/debs" "$new/root" "$new/boot"
    (cd "$new/debs" && apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root download "$@") || return 1
    for deb in "$new"/debs/*.deb; do
        dpkg -x "$deb" "$new/root"
    done
    rm -r "$new/debs"
    xen=$(echo "$new"/root/boot/xen-*.gz)
    vmlinuz=$(echo "$new"/root/boot/vmlinuz-*)
    zcat "$xen" >"$new/boot/xen"
    python3 "$here/vmlinux.py" "$vmlinuz" "$new/boot/vmlinux"
    echo "${vmlinuz##*/vmlinuz-}" >"$new/boot/release"
    "$new/root/bin/busybox" depmod -b "$new/root" "${vmlinuz##*/vmlinuz-}"
    echo "$wanted" >"$new/files"
    (cd "$dir" && rm -rf root boot files)
    mv "$new"/* "$dir"
    rmdir "$new"
}

exec 9>"$dir/lock" # two at once would undo each other's work
flock 9
wanted=
if names=$(packages); then
    # shellcheck disable=SC2086  # a list of names
    wanted=$(files $names)
fi
[ -n "$wanted" ] || [ -e "$dir/files" ] || die "apt does not know the packages of Xen and Linux (apt-get update)"
if [ -n "$wanted" ] && [ "$wanted" != "$(cat "$dir/files" 2>/dev/null)" ]; then
    echo "fetching Xen and Linux into ${dir##*/}" >&2
    # shellcheck disable=SC2086
    unpack $names || [ -e "$dir/files" ] || die "cannot download Debian's packages of Xen and Linux"
fi
