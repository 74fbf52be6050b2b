#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian package: lintian has nothing to say, it is installed, upgraded under a guest, removed and purged. And the RPM
# packages can be built, the whole one and the one for XCP-ng, and installed; the whole one has the same files, and runs.
# shellcheck source=test/deploy/machine.sh
. "$(dirname "$0")/machine.sh"
failures=0
# check NAME GOT WANT
check() {
    if [ "$2" = "$3" ]; then
        echo "PASS $1"
    else
        echo "FAIL $1: got '$2', want '$3'"
        failures=1
    fi
}
# files NAME...: of a package, without what belongs to the distribution
files() {
    sed -E 's|^\.?||; s|/$||' | grep -vE '/(doc|licenses|lintian|\.build-id)(/|$)' | sed 's|^/lib/systemd|/usr/lib/systemd|' | grep -E 'xenrecon' | sort
}

deploy/package.sh deb "$work/deb" >/dev/null
deploy/package.sh rpm "$work/rpm" >/dev/null
deploy/package.sh rpm "$work/cli" --without daemon >/dev/null
chmod 755 "$work"
# What it takes for words in a program may be machine code: the four bytes "buLD" once. Pages are read for spelling all the same
check "lintian has nothing to say" "$(cd "$work/deb" && lintian --allow-root --fail-on=none --display-info \
    --suppress-tags spelling-error-in-binary,package-supports-alternative-init-but-no-init.d-script ./*.changes 2>&1)" "" # there is systemd's
maintainer=$(dpkg-deb -f "$work"/deb/xenrecon_*.deb Maintainer)
check "who looks after it can be written to, and is the same in both" \
    "$(rpm -qp --changelog "$work"/rpm/RPMS/*/*.rpm 2>/dev/null | sed -nE '1s/^\* [^ ]+ [^ ]+ +[0-9]+ [0-9]+ (.*>).*/\1/p') $(grep -cE '@.*\.(invalid|localdomain)>' <<<"$maintainer")" \
    "$maintainer 0"
check "the RPM package has the same files" "$(rpm -qpl "$work"/rpm/RPMS/*/*.rpm 2>/dev/null | files)" \
    "$(dpkg -c "$work"/deb/xenrecon_*.deb | awk '{ print $6 }' | files)"

# What only Fedora has: its names for libraries, which are those of pkg-config anywhere, and what its macros make of scripts
mapfile -t names < <(sed -nE 's/^BuildRequires: +pkgconfig\((.*)\)/\1/p' deploy/xenrecon.spec)
check "the libraries that the RPM package is built with are called so" \
    "$((${#names[@]} > 5)) $(for name in "${names[@]}"; do pkg-config --exists "$name" || echo "$name"; done)" "1 "
macros=()
for macro in systemd_post systemd_preun systemd_postun_with_restart; do
    macros+=(--define "$macro() echo $macro %{1}")
done
check "its scripts say which service" "$(rpmspec -P "${macros[@]}" deploy/xenrecon.spec | grep '^echo')" \
    "$(for macro in post preun postun_with_restart; do echo "echo systemd_$macro xenrecon.service"; done)"

# install FOLDER: the RPM package in it, into a root that has nothing else, not even a shell for its scripts; and what is
# not as the package has it
install() {
    mkdir -p "$1/root/var/lib/rpm"
    rpm --root "$1/root" --nodeps --noscripts -i "$1"/RPMS/*/*.rpm 2>/dev/null || echo "not installed"
    rpm --root "$1/root" --nodeps -V xenrecon 2>/dev/null || echo "not as it should be"
    find "$1/root" ! -user root
}
check "the RPM package is installed" "$(install "$work/rpm")" ""
check "that for XCP-ng is" "$(install "$work/cli")" ""
check "which has one program" "$(find "$work/cli/root" -name '*xenrecon*' -type f -perm /111)" "$work/cli/root/usr/sbin/xenrecon"
check "and wants no library but these" "$(rpm -qpR "$work"/cli/RPMS/*/*.rpm | sed -nE 's/^lib([a-z]+)[-0-9]*\.so\.[0-9]+\(.*/\1/p' | sort -u | tr '\n' ' ')" \
    "c jansson yaml "
rm -r "$work/rpm/root/var"
in_machine test/deploy/inside/package.sh || failures=1
exit $failures
