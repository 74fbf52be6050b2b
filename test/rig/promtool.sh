#!/bin/bash
# SPDX-License-Identifier: MIT
# Prometheus' own checker of metrics and rules, from Debian's package, which may start a server where it is installed:
#
#   promtool.sh get           downloads and unpacks it into the cache (lib/cache.sh), unless it is there
#   promtool.sh ARGUMENT...   runs it
# shellcheck enable=check-set-e-suppressed
# shellcheck source=test/lib/fetch.sh
. "$(dirname "$0")/../lib/fetch.sh"
promtool=$cache/prometheus/usr/bin/promtool

# In Debian 12 it comes with the server; the program is all that stays of the package.
make_promtool() {
    local package=prometheus
    with_lists apt-cache show prometheus
    ! apt-cache show promtool >/dev/null 2>&1 || package=promtool
    mkdir "$1/package"
    cd "$1/package"
    with_lists "${apt_get[@]}" download "$package"
    cd "$OLDPWD"
    unpack "$1/package"
    mkdir -p "$1/usr/bin"
    mv "$1/package/usr/bin/promtool" "$1/usr/bin/"
    rm -rf "$1/package"
    quietly "$1/usr/bin/promtool" --version
}

if [ "${1:-}" = get ]; then
    cached prometheus 1 "unpacking Debian's promtool into $cache/prometheus" make_promtool
else
    exec "$promtool" "$@"
fi
