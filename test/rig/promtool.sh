#!/bin/bash
# SPDX-License-Identifier: MIT
# Prometheus' own checker of metrics and rules, from Debian's package, which would start a server if it was installed:
#
#   promtool.sh get           downloads and unpacks it into the cache (lib/cache.sh), unless it is there
#   promtool.sh ARGUMENT...   runs it
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
promtool=$cache/prometheus/usr/bin/promtool

download() {
    (cd "$1" && apt-get -o Acquire::Retries=3 -o APT::Sandbox::User=root download -qq prometheus)
}

get() {
    local new
    [ ! -x "$promtool" ] || return 0
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    [ ! -x "$promtool" ] || return 0
    echo "unpacking Debian's promtool into $cache/prometheus" >&2
    new=$(mktemp -d "$cache/prometheus.XXXXXX")
    download "$new" >"$new/said" 2>&1 || { apt-get update -qq && download "$new"; } >>"$new/said" 2>&1 || {
        cat "$new/said" >&2
        echo "promtool.sh: cannot download Debian's prometheus" >&2
        exit 1
    }
    dpkg -x "$new"/*.deb "$new"
    mkdir -p "$new/only/usr/bin"
    mv "$new/usr/bin/promtool" "$new/only/usr/bin/"
    rm -rf "$cache/prometheus"
    mv -T "$new/only" "$cache/prometheus"
    rm -rf "$new"
}

if [ "${1:-}" = get ]; then
    get
else
    exec "$promtool" "$@"
fi
