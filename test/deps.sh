#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes sure that what building, testing and linting need is there:   deps.sh [GROUP]...
#
#   build             a compiler, and the libraries
#   store             these, and what the rig needs: enough for `make demo`
#   unit golden integration sim sanitize threads valgrind fuzz clang portable instructions install deploy
#                     enough for that part of test/check.sh
#   browser           for what an integration test does with one when there is one
#   test              for all of check.sh but deploy
#   lint package bench xen coverage platforms arm64
#                     for `make lint` and so on
#   --list GROUP...   prints the packages, and installs nothing
#
# Without an argument it is build, test and lint. Packages that are missing are installed, as root or with a sudo that asks
# for no password; otherwise the command to run is printed. Debian's Xen tools, which would turn the machine into a Xen
# host, are never installed but unpacked into the cache (lib/cache.sh); `deploy` has a machine made there, as root. Says
# what it is going to do, and nothing when there is nothing to do.
# shellcheck enable=check-set-e-suppressed
# shellcheck source=test/lib/fetch.sh
. "$(dirname "$0")/lib/fetch.sh"
[ $# -gt 0 ] || set -- build test lint

# What the machine has: systemd, what our tests want in there, and below Xen's libraries
machine=(systemd openrc dbus init-system-helpers procps python3 libyaml-0-2 libjansson4 libuv1 libseccomp2 liburing2)
packages=()
store=no deploy=no list=no

# want GROUP: adds to the packages
want() {
    case $1 in
    build | sim) packages+=(gcc make pkg-config libc6-dev libuv1-dev libyaml-dev libjansson-dev libxen-dev libseccomp-dev liburing-dev) ;;
    store)
        want build
        packages+=(procps)
        store=yes
        ;;
    unit)
        want build
        packages+=(check libsubunit-dev)
        ;;
    golden)
        want store
        packages+=(python3 python3-jsonschema)
        ;;
    integration)
        want golden
        packages+=(strace libfuse3-dev fuse3 qemu-system-common qemu-block-extra qemu-utils python3-yaml)
        ;;
    browser) packages+=(chromium) ;;
    sanitize)
        want unit
        want integration
        ;;
    threads)
        want integration
        packages+=(clang libclang-rt-dev)
        ;;
    valgrind | instructions)
        want integration
        packages+=(valgrind)
        ;;
    fuzz)
        want build
        packages+=(clang libclang-rt-dev)
        ;;
    clang)
        want unit
        packages+=(clang)
        ;;
    portable)
        want unit
        packages+=(musl-tools)
        ;;
    install)
        want build
        packages+=(scdoc)
        ;;
    test)
        want sanitize
        want browser
        want threads
        want valgrind
        ;;
    deploy)
        want package
        packages+=(systemd systemd-container mmdebstrap python3 man-db groff bsdextrautils zsh lintian ansible-lint)
        deploy=yes
        ;;
    lint)
        want unit
        packages+=(clang-tidy clang-format cppcheck shellcheck scdoc python3-yaml python3-jsonschema)
        ;;
    package)
        want build
        packages+=(scdoc debhelper dpkg-dev build-essential rpm)
        ;;
    bench)
        want integration
        packages+=(gnuplot-nox fio jq)
        ;;
    xen) packages+=(qemu-system-x86 python3 zstd) ;;
    coverage) packages+=(gcovr) ;;
    platforms) packages+=(mmdebstrap) ;;
    arm64)
        want platforms
        packages+=(gcc make clang binutils-aarch64-linux-gnu qemu-user-static qemu-system-arm cpio)
        ;;
    --list) list=yes ;;
    *)
        sed -n '3,18s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
    esac
}

# installed PACKAGE...: those of them that are
installed() {
    # Its status says that some are not known
    { dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } | sed -n 's/^installed //p' | sort -u
}

# missing PACKAGE...: those that are not
missing() {
    comm -13 <(installed "$@") <(printf '%s\n' "$@" | sort -u)
}

# to_download PROGRAM...: what an apt-get would fetch, in words
to_download() {
    "$@" --print-uris | awk '{ n++; size += $3 } END { printf "%d packages, %.0f MB to download", n, size / 1e6 }'
}

install_packages() {
    local lacking install said
    lacking=$(missing "$@")
    [ -n "$lacking" ] || return 0
    mapfile -t lacking <<<"$lacking"
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        die "missing packages; run:  apt-get install --no-install-recommends ${lacking[*]}"
    fi
    install=("${apt_get[@]}" -y --no-install-recommends install "${lacking[@]}")
    with_lists "${install[@]}" --print-uris
    said=$(to_download "${install[@]}")
    echo "deps.sh: installing ${lacking[*]} on this machine: $said" >&2
    with_lists "${as_root[@]}" "${install[@]}"
}

# Of the Xen that libxen-dev belongs to: 4.17.
xen_version() {
    dpkg-query -W -f '${Depends}\n' libxen-dev | sed -n 's/.*libxenmisc\([0-9.]*\).*/\1/p'
}

# The tools of that version, and the libraries of Xen that are not installed.
xen_packages() {
    local wanted=("xen-utils-$1" xenstore-utils) libraries
    with_lists apt-cache show "${wanted[@]}"
    libraries=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "${wanted[@]}" | sed -nE '/^libxen[a-z]*[0-9.]+$/p' | sort -u)
    printf '%s\n' "${wanted[@]}"
    # shellcheck disable=SC2086  # a list of names
    missing $libraries
}

unpack_xen() {
    local names
    names=$(xen_packages "$version")
    cd "$1"
    # shellcheck disable=SC2086  # a list of names
    with_lists "${apt_get[@]}" download $names
    cd "$OLDPWD"
    unpack "$1"
    xen_works "$1"
}

# Dies unless the programs in the folder are there and find their libraries.
xen_works() {
    local libs program said programs=("$1"/usr/lib/xen-*/bin/xenstored "$1"/usr/bin/xenstore-{ls,read,write,rm,chmod,exists})
    libs=$(echo "$1"/usr/lib/*-linux-gnu*)
    for program in "${programs[@]}"; do
        [ -x "$program" ] || die "the unpacked Xen tools lack $program"
    done
    said=$(LD_LIBRARY_PATH=${libs// /:} ldd "${programs[@]}")
    [[ $said != *"not found"* ]] || die "the unpacked Xen tools lack libraries (is libxen-dev installed?): $said"
}

# A Debian of the same release as this one, for systemd-nspawn; it is never written to again.
make_machine() {
    quietly mmdebstrap --variant=minbase --mode=root --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$(IFS=, && echo "${machine[*]}")" "$release" "$1"
}

for group; do
    want "$group"
done
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
if [ $list = yes ]; then
    echo "${packages[@]}"
    exit
fi
command -v dpkg-query apt-get >/dev/null || die "this is not Debian; wanted are ${packages[*]}"
install_packages "${packages[@]}"
if [ $store = yes ]; then
    version=$(xen_version)
    cached xen "xen-utils-$version" "deps.sh: unpacking Debian's Xen tools, which are not installed, into $cache/xen" unpack_xen
fi
if [ $deploy = yes ] && [ "$(id -u)" = 0 ]; then
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    mapfile -t -O ${#machine[@]} machine < <(installed 'libxen*' | sed -nE '/^libxen[a-z]*[0-9.]+$/p')
    cached machine "$release ${machine[*]}" "deps.sh: making a machine in $cache/machine" make_machine
fi
