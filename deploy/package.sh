#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds packages out of a copy of these sources:   package.sh deb|rpm FOLDER [OPTION OF RPMBUILD]...
set -eu -o pipefail
cd "$(dirname "$0")/.."
unset MAKEFLAGS MFLAGS MAKELEVEL B
folder=$(mkdir -p "$2" && cd "$2" && pwd)
version=$(sed -n 's/^VERSION := //p' Makefile)
copy=$folder/xenrecon-$version
options=("${@:3}")
rm -rf "$copy"
mkdir "$copy"
tar -c Makefile LICENSE README.md controller deploy reconcilers schemas test/build.mk | tar -x -C "$copy"
case $1 in
deb)
    [ "$(dpkg-parsechangelog -l deploy/debian/changelog -S Version)" = "$version" ]
    mv "$copy/deploy/debian" "$copy/debian"
    cd "$copy"
    dpkg-buildpackage --build=binary --unsigned-changes --jobs=2 >"$folder/deb.log" 2>&1 || {
        tail -n 40 "$folder/deb.log"
        exit 1
    }
    ls "$folder"/*.deb
    ;;
rpm)
    [ "$(rpmspec -q --queryformat '%{VERSION}\n' deploy/xenrecon.spec | head -n 1)" = "$version" ]
    mkdir -p "$folder/SOURCES"
    tar -cz -C "$folder" -f "$folder/SOURCES/xenrecon-$version.tar.gz" "xenrecon-$version"
    # what Fedora calls its packages means nothing to Debian
    [ -e /etc/redhat-release ] || options+=(--nodeps)
    rpmbuild -bb "${options[@]}" --define "_topdir $folder" --define "_smp_mflags -j2" deploy/xenrecon.spec >"$folder/rpm.log" 2>&1 || {
        tail -n 40 "$folder/rpm.log"
        exit 1
    }
    find "$folder/RPMS" -name '*.rpm'
    ;;
*) exit 64 ;;
esac
rm -rf "$copy"
