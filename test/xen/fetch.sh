#!/bin/bash
# SPDX-License-Identifier: MIT
# Fetches what the emulated machine runs, without installing it:   fetch.sh SUITE
#
# SUITE is a release of Debian, that of this system or another. In the cache (lib/cache.sh), xen-vm-SUITE/root gets its
# packages of Xen, a kernel, GRUB for guests, busybox, QEMU and what it has for images, and the libraries of those and of xenrecon; xen-vm-SUITE/boot
# gets Xen and the kernel ready to boot. What apt knows of the suite is in apt-SUITE: the system's own apt is not touched.
#
# Does nothing when there is what apt offers today. Keeps what is there when apt cannot be asked, and says so.
# The first time it downloads 130 MB (bookworm) to 190 MB (trixie).
# shellcheck enable=check-set-e-suppressed
# shellcheck source=test/lib/fetch.sh
. "$(dirname "$0")/../lib/fetch.sh"
suite=$1
name=xen-vm-$suite
lists=$cache/apt-$suite

# Xen and the kernel are Debian's newest. The libraries are what xenrecon and the rig's programs are linked to; where a
# suite calls a package otherwise, it provides the name.
packages=(linux-image-amd64 xen-system-amd64 xenstore-utils grub-xen-host qemu-system-xen qemu-system-common qemu-utils busybox-static
    bash util-linux
    libuv1 libyaml-0-2 libjansson4 libseccomp2 liburing2 libxenstore4 libxenevtchn1 libxengnttab1 libgcc-s1)

# An apt with lists of its own, for which nothing is installed, so that it names all that a package needs
apt=("${apt_get[@]}" -o "Dir::State=$lists" -o "Dir::State::status=$lists/status" -o "Dir::Cache=$lists"
    -o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none)
install=("${apt[@]}" -y --no-install-recommends install "${packages[@]}")

# mirrors [OPTION...]: where this system has its Debian from. Apt knows that when it has its lists.
# shellcheck disable=SC2016  # it is apt that expands this
mirrors() {
    apt-get "$@" indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian'
}

# The suite, from there, for apt
sources() {
    local lines own=(-o "Dir::State=$lists/system" -o "Dir::Cache=$lists/system")
    lines=$(mirrors)
    if [ -z "$lines" ]; then
        mkdir -p "$lists/system/lists/partial"
        "${apt_get[@]}" "${own[@]}" update
        lines=$(mirrors "${own[@]}")
    fi
    sed -nE "s,^([^ ]+) [a-z]+(-updates|-security)? main$,\1 $suite\2 main,p" <<<"$lines" | sort -u |
        sed 's|^|deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] |'
}

# make FOLDER
make() {
    local dir=$1 name deb vmlinuz release
    mkdir -p "$dir/debs/partial" "$dir/boot" "$dir/root/usr"/{bin,sbin,lib,lib64}
    "${install[@]}" --download-only -o "Dir::Cache::archives=$dir/debs" >&2
    for name in bin sbin lib lib64; do # all is below usr, however old the packages are
        ln -s "usr/$name" "$dir/root/$name"
    done
    for deb in "$dir"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/root" --keep-directory-symlink
    done
    rm -r "$dir/debs"
    vmlinuz=$(echo "$dir"/root/boot/vmlinuz-*)
    release=${vmlinuz##*/vmlinuz-}
    zcat "$dir"/root/boot/xen-*.gz >"$dir/boot/xen"
    python3 "$repo/test/xen/vmlinux.py" "$vmlinuz" "$dir/boot/vmlinux"
    echo "$release" >"$dir/boot/release"
    "$dir/root/usr/bin/busybox" depmod -b "$dir/root" "$release"
    [ -s "$dir/root/usr/lib/modules/$release/modules.dep" ] || die "depmod knows no modules of $release"
}

mkdir -p "$lists/lists/partial"
exec 9>"$lists/lock.fetch" # two at once would undo each other's work
flock 9
: >"$lists/status"
sources >"$lists/sources.list"
[ -s "$lists/sources.list" ] || die "apt has no mirror of Debian"
"${apt[@]}" -o APT::Update::Error-Mode=any update || {
    [ -e "$cache/$name/stamp" ] || die "apt cannot get the lists of $suite"
    echo "fetch.sh: apt cannot get the lists of $suite; keeping what is there" >&2
    exit 0
}
wanted=$("${install[@]}" --print-uris | cut -d ' ' -f 2 | sort) # of 'URI' NAME SIZE HASH
cached "$name" "$wanted" "fetching Xen and Linux of $suite into $cache/$name" make
