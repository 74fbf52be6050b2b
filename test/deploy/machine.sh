# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For the tests of what is installed, which source this first: a machine of its own with systemd as its process 1, made
# by deps.sh, by systemd-nspawn. Nothing that is done in it remains.
set -eu
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$repo"
# shellcheck source=test/lib/cache.sh
. test/lib/cache.sh
work=$(mktemp -d /tmp/xr.machine.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
unset MAKEFLAGS MFLAGS MAKELEVEL

# in_machine SCRIPT [ARGUMENT...]: as a service of it, with this folder, the cache's Xen tools and $work at their places,
# but only $work to write to. Its status, after all that it printed.
in_machine() {
    local status options=()
    cat >"$work/test.service" <<END
[Unit]
Wants=multi-user.target
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=file:$work/said
StandardError=inherit
WorkingDirectory=$repo
Environment=MACHINE=$work XENRECON_CACHE=$cache AWAIT_MS=${AWAIT_MS:-10000}
ExecStart=-/bin/bash -c 'bash "\$\$@"; echo \$\$? >$work/status' - $*
ExecStopPost=/bin/sh -c 'journalctl -q -u xenrecon --no-pager >$work/journal'
ExecStopPost=/bin/systemctl poweroff --force
END
    # Where this machine here runs without systemd, there is nobody to ask for a unit
    [ -d /run/systemd/system ] || options+=(--keep-unit)
    timeout --foreground 120 systemd-nspawn --quiet --register=no "${options[@]}" --directory="$cache/machine" \
        --machine="xr-$$" --volatile=overlay --bind-ro="$repo" --bind-ro="$cache/xen" --bind="$work" \
        --bind-ro="$work/test.service:/etc/systemd/system/test.service" --console=pipe \
        --boot systemd.unit=test.service </dev/null >"$work/console" 2>&1 || true
    cat "$work/said" || cat "$work/console"
    status=$(cat "$work/status") || status=1
    [ "$status" = 0 ] || tail -n 50 "$work/journal"
    return "$status"
}

if [ "$(id -u)" != 0 ]; then
    echo "not run: it takes root to run a machine"
    exit 0
fi
[ -e "$cache/machine/stamp" ] || test/deps.sh deploy
