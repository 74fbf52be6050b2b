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

# nspawn OPTION...: that machine, with this folder, the cache's Xen tools and $work at their places, but only $work to
# write to; what it prints is its console's.
nspawn() {
    local options=()
    # Where this machine here runs without systemd, there is nobody to ask for a unit
    [ -d /run/systemd/system ] || options+=(--keep-unit)
    timeout --foreground 120 systemd-nspawn --quiet --register=no "${options[@]}" --directory="$cache/machine" \
        --machine="xr-$$" --volatile=overlay --bind-ro="$repo" --bind-ro="$cache/xen" --bind="$work" --console=pipe \
        "$@" </dev/null >"$work/console" 2>&1
}

# in_machine SCRIPT [ARGUMENT...]: as a service of it. Its status, after all that it printed.
in_machine() {
    local status
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
    nspawn --bind-ro="$work/test.service:/etc/systemd/system/test.service" --boot systemd.unit=test.service || true
    cat "$work/said" || cat "$work/console"
    status=$(cat "$work/status") || status=1
    [ "$status" = 0 ] || tail -n 50 "$work/journal"
    return "$status"
}

# in_openrc SCRIPT [ARGUMENT...]: the same without systemd, once OpenRC has been through its runlevels
in_openrc() {
    local status=0
    # Of control groups a machine of this kind has none to change
    # shellcheck disable=SC2016  # for the machine's shell
    nspawn --as-pid2 --setenv=MACHINE="$work" --setenv=XENRECON_CACHE="$cache" --setenv=AWAIT_MS="${AWAIT_MS:-10000}" \
        bash -c 'printf "rc_sys=systemd-nspawn\nrc_controller_cgroups=NO\n" >/etc/rc.conf
            for level in sysinit boot default; do openrc $level; done >"$MACHINE/boot" 2>&1
            cd "$1" && shift && exec bash "$@" >"$MACHINE/said" 2>&1' - "$repo" "$@" || status=$?
    cat "$work/said" || cat "$work/boot" "$work/console"
    return "$status"
}

if [ "$(id -u)" != 0 ]; then
    echo "not run: it takes root to run a machine"
    exit 0
fi
[ -e "$cache/machine/stamp" ] || test/deps.sh deploy
