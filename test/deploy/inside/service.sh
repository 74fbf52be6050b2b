#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the machine of ../service.sh, with what was installed in $MACHINE/tree.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../../lib/testlib.sh"
# shellcheck source=test/lib/pages.sh
. "$repo/test/lib/pages.sh"
cp -a "$MACHINE/tree/." /
mkdir -p /run/xenstored /dev/xen
: >/dev/xen/xenbus # says that this is Xen
ln -s "$dir/socket" /run/xenstored/socket
chmod 711 "$dir"
b=/local/domain/0/backend/vgreet/7/0
f=/local/domain/7/device/vgreet/0

property() {
    systemctl show -P "$1" xenrecon
}
# soon NAME WANT COMMAND...: prints that, or will
soon() {
    local name=$1 want=$2 end=$((SECONDS + AWAIT_MS / 1000))
    shift 2
    until [ "$("$@")" = "$want" ] || [ $SECONDS -gt $end ]; do sleep 0.05; done
    check "$name" "$("$@")" "$want"
}
how() {
    echo "$(property ActiveState) $(property NRestarts) $(property StatusText)"
}
log() {
    journalctl -q -u xenrecon -o cat --no-pager
}
logs() {
    log | grep -cE "$1" || true
}
worker() {
    pgrep -f vgreet.py || true
}
# the_same NAME: the worker that was there goes on, and the guest has noticed nothing
the_same() {
    local again=$1
    soon "$again: the worker is found again" yes found_again
    check "$again: the same worker, the guest connected" "$(worker) $(state_of "$b") $(logs 'bob is here')" "$pid 4 1"
}
adopted=0
found_again() {
    [ "$(logs 'vgreet/7/0: adopt')" = "$adopted" ] || echo yes
}
another_main() {
    [ "$(property MainPID)" = "$main" ] || [ "$(property ActiveState)" != active ] || echo yes
}

# A worker that gives up everything, as xenrecon-blk does: system calls are left to all of them, the root directory is not
mkdir -p /usr/local/libexec /etc/systemd/system/xenrecon.service.d
{
    echo '#!/usr/bin/python3'
    cat <<'PYTHON'
import ctypes, encodings.ascii, os, socket, struct, sys, time, urllib.parse
os.chroot(os.path.dirname(os.environ["XENRECON_SOCKET"]))
os.chdir("/")
os.environ["XENRECON_SOCKET"] = "/socket"
os.setgroups([])
gid, uid = int(os.environ["XENRECON_GID"]), int(os.environ["XENRECON_UID"])
os.setresgid(gid, gid, gid)
os.setresuid(uid, uid, uid)
libc = ctypes.CDLL(None, use_errno=True)
program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(program)))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.syscall(317, 1, 0, header) == 0, os.strerror(ctypes.get_errno())
PYTHON
    from_page xenrecon-worker.7 '#!/usr/bin/python3'
} >/usr/local/libexec/vgreet.py
chmod 755 /usr/local/libexec/vgreet.py
from_page xenrecon-worker.7 'version: 1' | sed 's/^  uid-base.*/&\n  drops-privileges: true/' >/etc/xenrecon/policies.d/vgreet.yaml
cat >/etc/systemd/system/xenrecon.service.d/test.conf <<'END'
[Service]
WatchdogSec=2
RestartSec=100ms
END
systemctl daemon-reload

# ---- start

check "not started yet" "$(property ActiveState)" inactive
systemd-sysusers /usr/lib/sysusers.d/xenrecon.conf # as the package does
systemctl start xenrecon
check "started: ready, says how it stands" "$(how)" "active 0 0 devices, 0 workers"
check "started: the run directory" "$(stat -c '%a %U' /run/xenrecon)" "711 root"
check "started: who may look" "$(stat -c '%a %U %G' /run/xenrecon/reader)" "660 root xenrecon"
check "started: what it was given has an effect" "$(property NeedDaemonReload) $(logs 'Failed|Unknown|ignoring')" "no 0"
toolstack attach vgreet 7 0
reach "a device is served" "$b/state" 2 "$b/greeting" "hello, 7"
xenstore-write "$f/name" bob "$f/state" 3
reach "and connected" "$b/state" 4
xenstore-write "$f/state" 4
pid=$(worker)
check "the worker gave up all that it could" "$(sed -nE 's/^(CapEff|CapPrm|Seccomp|NoNewPrivs|Uid):\t([^\t]*).*/\1=\2/p' \
    "/proc/$pid/status" | tr '\n' ' ')$(readlink "/proc/$pid/root")" \
    "Uid=1900000007 CapPrm=0000000000000000 CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2 /run/xenrecon/worker"
soon "systemctl status says how it stands" "active 0 1 device, 1 worker" how

# ---- restarts, the first one with the manual's way to metrics

mkdir -p /var/lib/prometheus/node-exporter
sed -n "s/^echo '\(XENRECON_OPTIONS=.*\)' | sudo tee .*/\1/p" "$repo/deploy/man/xenrecon.8.scd" >/etc/default/xenrecon
main=$(property MainPID)
adopted=$(logs 'vgreet/7/0: adopt')
systemctl restart xenrecon
check "restart: another process" "$(another_main)" yes
the_same "restart"
prom=/var/lib/prometheus/node-exporter/xenrecon.prom
metrics() {
    grep -h ^xenrecon_up "$prom" 2>/dev/null || true
}
soon "metrics: as the manual says" "xenrecon_up 1" metrics
check "metrics: for node_exporter to read, which is not root" "$(stat -c %a "$prom")" 644
check "restart: the old one left in good order" "$(logs 'SIGTERM: leaving the devices as they are')" 1

main=$(property MainPID)
adopted=$(logs 'vgreet/7/0: adopt')
kill -STOP "$main"
soon "stopped: the watchdog has it restarted" yes another_main
check "stopped: it was the watchdog" "$(logs 'Watchdog timeout') $(property NRestarts)" "1 1"
the_same "stopped"

main=$(property MainPID)
adopted=$(logs 'vgreet/7/0: adopt')
kill -KILL "$main"
soon "killed: restarted" yes another_main
the_same "killed"

main=$(property MainPID)
kill -KILL "$pid"
check "a worker that is killed leaves the service alone" "$(property MainPID)" "$main"
reach "and its guest" "$b/state" 4
soon "a worker that is killed is replaced, once" 2 logs 'worker [0-9]+ started'
pid=$(worker)

# ---- reload

systemctl reload xenrecon
soon "reload" 1 logs 'policies reloaded'
echo 'owner: nobody' >/etc/xenrecon/policies.d/vif.yaml
check "reload of a bad policy: refused" "$(systemctl reload xenrecon 2>/dev/null && echo accepted || echo refused)" refused
check "reload of a bad policy: says where" "$(logs 'vif.yaml:1:8: ')" 1
check "reload of a bad policy: the service goes on" "$(property MainPID) $(property ActiveState)" "$main active"
systemctl kill --kill-whom=main --signal=HUP xenrecon
soon "SIGHUP with a bad policy: goes on, says so" \
    "active 2 1 device, 1 worker; new policies were refused, see the log" how
rm /etc/xenrecon/policies.d/vif.yaml
systemctl reload xenrecon
soon "reload when it is corrected" "active 2 1 device, 1 worker" how

# ---- stop

systemctl stop xenrecon
check "stop: the worker goes on" "$(property ActiveState) $(worker)" "inactive $pid"
check "stop: the run directory stays" "$(find /run/xenrecon/workers -type f | wc -l)" 2
check "the journal knows how bad things are" \
    "$(journalctl -q -u xenrecon -p err -o cat | grep -c 'the policies were not reloaded')" 1
check "and has no levels in the text" "$(logs '<[0-9]>')" 0

# ---- the store

# One that comes back empty, as the rig's does: its devices are gone, and their workers go
systemctl start xenrecon
stop_store
soon "the store goes: the service stays" "active 0 waiting for the store" how
start_store
soon "the store comes back" "active 0 0 devices, 0 workers" how
systemctl stop xenrecon

# ---- with hotplug

install -D -m 644 /usr/share/xenrecon/examples/hotplug.conf /etc/systemd/system/xenrecon.service.d/hotplug.conf
printf '[Service]\nExecStart=/bin/sleep infinity\n' >/run/systemd/system/xendriverdomain.service
systemctl daemon-reload
systemctl start xendriverdomain
systemctl start xenrecon
check "hotplug: xl devd has to go" "$(systemctl is-active xenrecon xendriverdomain | tr '\n' ' ')" "active inactive "
check "hotplug: what scripts need" "$(sed -n 's/^CapEff:\t//p' "/proc/$(property MainPID)/status" |
    while read -r caps; do echo $((0x$caps & 1)) $((0x$caps >> 21 & 1)) $((0x$caps >> 22 & 1)); done)" "1 1 0" # to chown, mount, but not boot
systemctl stop xenrecon
