#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian package: lintian has nothing to say, it is installed, upgraded under a guest, removed and purged. And the RPM
# package can be built and has the same files.
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
chmod 755 "$work"
check "lintian has nothing to say" "$(cd "$work/deb" && lintian --allow-root --fail-on=none --display-info \
    --suppress-tags package-supports-alternative-init-but-no-init.d-script ./*.changes 2>&1)" "" # there is systemd's
maintainer=$(dpkg-deb -f "$work"/deb/xenrecon_*.deb Maintainer)
check "who looks after it can be written to, and is the same in both" \
    "$(rpm -qp --changelog "$work"/rpm/RPMS/*/*.rpm 2>/dev/null | sed -nE '1s/^\* [^ ]+ [^ ]+ +[0-9]+ [0-9]+ (.*>).*/\1/p') $(grep -cE '@.*\.(invalid|localdomain)>' <<<"$maintainer")" \
    "$maintainer 0"
check "the RPM package has the same files" "$(rpm -qpl "$work"/rpm/RPMS/*/*.rpm 2>/dev/null | files)" \
    "$(dpkg -c "$work"/deb/xenrecon_*.deb | awk '{ print $6 }' | files)"
in_machine test/deploy/inside/package.sh || failures=1
exit $failures
