#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes sure that what building, testing and linting need is there:   deps.sh [GROUP]...
#
#   build test lint   all of them without an argument
#   package           for `make deb`, `make rpm`
#   deploy            for the tests of what is installed; as root also a machine, in the cache's machine/
#   bench xen coverage
#                     for `make bench`, `make check-xen`, `make coverage`
#
# Packages that are missing are installed, as root or with a sudo that asks for no password; otherwise the command to
# run is printed. Debian's Xen tools, which would turn the machine into a Xen host, are never installed: `test` unpacks
# them into the cache (lib/cache.sh), `xen` is for the emulated machine. Says nothing when there is nothing to do.
set -eu
repo=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
[ $# -gt 0 ] || set -- build test lint

build=(gcc make pkg-config libc6-dev libuv1-dev libyaml-dev libjansson-dev libxen-dev libseccomp-dev)
test=(check libsubunit-dev clang libclang-rt-dev valgrind strace python3 python3-jsonschema chromium)
xen=(qemu-system-x86 python3)
bench=(gnuplot-nox)
coverage=(gcovr)
package=(scdoc debhelper dpkg-dev rpm)
deploy=(systemd systemd-container mmdebstrap python3 man-db groff bsdextrautils zsh lintian "${package[@]}")
# What the machine has: systemd, what our tests want in there, and below Xen's libraries
machine=(systemd systemd-sysv dbus init-system-helpers procps python3 libyaml-0-2 libjansson4 libuv1 libseccomp2)
lint=(clang-tidy clang-format cppcheck shellcheck scdoc python3-yaml python3-jsonschema)

die() {
    echo "deps.sh: $*" >&2
    exit 1
}

as_root=()
may_install=yes
if [ "$(id -u)" != 0 ]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || may_install=no
fi

# Silent unless it fails.
quietly() {
    local said
    said=$("$@" 2>&1) || {
        echo "$said" >&2
        return 1
    }
}

apt_get() {
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 "$@"
}

# Prints those of the packages that are not installed.
missing() {
    comm -13 <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' | sort -u) <(printf '%s\n' "$@" | sort -u)
}

install_packages() {
    local lacking
    mapfile -t lacking < <(missing "$@")
    [ ${#lacking[@]} -gt 0 ] || return 0
    [ $may_install = yes ] ||
        die "missing packages; run:  apt-get install --no-install-recommends ${lacking[*]}"
    echo "installing ${lacking[*]}" >&2
    apt_get update || echo "deps.sh: apt-get update failed, going on with the lists there are" >&2
    apt_get install -y --no-install-recommends "${lacking[@]}" || die "apt-get install failed"
}

# Whether the programs in the folder are there and find their libraries.
xen_works() {
    local libs program
    libs=$(echo "$1"/usr/lib/*-linux-gnu*)
    for program in "$1"/usr/lib/xen-*/bin/xenstored "$1"/usr/bin/xenstore-{ls,read,write,rm,chmod,exists}; do
        [ -x "$program" ] || return 1
        ! LD_LIBRARY_PATH=${libs// /:} ldd "$program" | grep -q 'not found' || return 1
    done
}

# The tools of the version that libxen-dev belongs to, and the libraries of Xen that are not installed.
xen_packages() {
    local version wanted
    version=$(apt-cache depends libxen-dev 2>/dev/null | sed -n 's/.*Depends: libxenmisc\([0-9.]*\)$/\1/p' | head -n 1)
    [ -n "$version" ] || return 1
    wanted=("xen-utils-$version" xenstore-utils)
    echo "${wanted[@]}"
    mapfile -t wanted < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "${wanted[@]}" | grep -E '^libxen[a-z]*[0-9.]+$' | sort -u)
    missing "${wanted[@]}"
}

download_xen() {
    local packages
    packages=$(xen_packages) || return 1
    # shellcheck disable=SC2086  # a list of names
    (cd "$1" && quietly apt-get -o Acquire::Retries=3 -o APT::Sandbox::User=root download -qq $packages)
}

unpack_xen() {
    local deb new
    [ -e "$cache/xen/stamp" ] && xen_works "$cache/xen" && return
    mkdir -p "$cache"
    exec 9>"$cache/lock" # two at once would undo each other's work
    flock 9
    [ -e "$cache/xen/stamp" ] && xen_works "$cache/xen" && return
    echo "unpacking Debian's Xen tools into $cache/xen" >&2
    rm -rf "$cache"/xen.* # of a run that was interrupted
    new=$(mktemp -d "$cache/xen.XXXXXX")
    chmod 755 "$new"
    if ! download_xen "$new" 2>/dev/null; then
        [ $may_install = no ] || apt_get update || true
        download_xen "$new" || die "cannot download Debian's Xen tools (are the package lists there? apt-get update)"
    fi
    for deb in "$new"/*.deb; do
        dpkg -x "$deb" "$new"
        echo "${deb##*/}" >>"$new/stamp"
    done
    rm -f "$new"/*.deb
    xen_works "$new" || die "the unpacked Xen tools lack libraries (is libxen-dev installed?)"
    rm -rf "$cache/xen"
    mv -T "$new" "$cache/xen" # complete or not there
    flock -u 9
}

# A Debian of the same release as this one, for systemd-nspawn; it is never written to again.
make_machine() {
    local new
    # shellcheck disable=SC1091
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mapfile -t -O ${#machine[@]} machine < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'libxen*' |
        sed -nE 's/^installed (libxen[a-z]*[0-9.]+)$/\1/p')
    [ "$(cat "$cache/machine/stamp" 2>/dev/null)" != "$release ${machine[*]}" ] || return 0
    mkdir -p "$cache"
    exec 8>"$cache/lock"
    flock 8
    [ "$(cat "$cache/machine/stamp" 2>/dev/null)" != "$release ${machine[*]}" ] || return 0
    echo "making a machine in $cache/machine" >&2
    rm -rf "$cache"/machine.*
    new=$(mktemp -d "$cache/machine.XXXXXX")
    quietly mmdebstrap --variant=minbase --mode=root --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$(IFS=, && echo "${machine[*]}")" "$release" "$new" || die "no machine could be made"
    echo "$release ${machine[*]}" >"$new/stamp"
    rm -rf "$cache/machine"
    mv -T "$new" "$cache/machine"
    flock -u 8
}

command -v dpkg-query apt-get >/dev/null || die "this is not Debian; wanted are ${build[*]} ${test[*]} ${lint[*]}"
packages=()
for group; do
    case $group in
    build) packages+=("${build[@]}") ;;
    test) packages+=("${test[@]}") ;;
    lint) packages+=("${lint[@]}") ;;
    package) packages+=("${package[@]}") ;;
    deploy) packages+=("${deploy[@]}") ;;
    bench) packages+=("${bench[@]}") ;;
    xen) packages+=("${xen[@]}") ;;
    coverage) packages+=("${coverage[@]}") ;;
    *) die "usage: deps.sh [build|test|package|deploy|lint|bench|xen|coverage]..." ;;
    esac
done
install_packages "${packages[@]}"
case " $* " in
*" test "*) unpack_xen ;;
esac
case " $* " in
*" deploy "*) [ "$(id -u)" != 0 ] || make_machine ;;
esac
