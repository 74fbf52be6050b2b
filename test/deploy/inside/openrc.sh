#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the machine of ../openrc.sh, with what was installed in $MACHINE/tree.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../../lib/testlib.sh"
# shellcheck source=test/lib/pages.sh
. "$repo/test/lib/pages.sh"
check "there is nothing of systemd's" "$(find "$MACHINE/tree" -path '*systemd*' -o -name '*.service' -o -name hotplug.conf)" ""
cp -a "$MACHINE/tree/." /
mkdir -p /run/xenstored /dev/xen /usr/local/libexec
ln -s "$dir/socket" /run/xenstored/socket
chmod 711 "$dir"
b=/local/domain/0/backend/vgreet/7/0
f=/local/domain/7/device/vgreet/0

from_page xenrecon-worker.7 '#!/usr/bin/python3' >/usr/local/libexec/vgreet.py
chmod 755 /usr/local/libexec/vgreet.py
from_page xenrecon-worker.7 'version: 1' >/etc/xenrecon/policies.d/vgreet.yaml
rc-update -q add xenrecon default

service() {
    rc-service --nocolor xenrecon "$@" 2>&1
}
# does NAME STATUS COMMAND [WORDS]: it exits like that, and says these
does() {
    local got=0
    service "$3" >"$dir/said" || got=$?
    [ "$got" = "$2" ] || cat "$dir/said"
    check "$1" "$got $(grep -cF -- "${4:-}" "$dir/said" | sed 's/^[1-9].*/said/')" "$2 said"
}
log() {
    cat /var/log/xenrecon.log 2>/dev/null || true
}
logs() {
    log | grep -cE "$1" || true
}
# soon NAME WANT COMMAND...: prints that, or will
soon() {
    local name=$1 want=$2 end=$((SECONDS + AWAIT_MS / 1000))
    shift 2
    until [ "$("$@")" = "$want" ] || [ $SECONDS -gt $end ]; do sleep 0.05; done
    check "$name" "$("$@")" "$want"
}
worker() {
    pgrep -f vgreet.py || true
}
daemon() {
    pgrep -f '^/usr/sbin/xenrecon run' || true
}
another_daemon() {
    [ -z "$(daemon)" ] || [ "$(daemon)" = "$main" ] || echo yes
}
# the_same NAME: the worker that was there goes on, and the guest has noticed nothing
the_same() {
    soon "$1: the worker is found again" $((adopted + 1)) logs 'vgreet/7/0: adopt'
    adopted=$((adopted + 1))
    check "$1: the same worker, the guest connected" "$(worker) $(state_of "$b") $(logs 'bob is here')" "$pid 4 1"
}
adopted=0

# ---- start, and what refuses it

does "not started yet" 3 status stopped
does "without Xen: not started" 1 start "this is no Xen"
: >/dev/xen/xenbus
echo 'owner: nobody' >/etc/xenrecon/policies.d/vif.yaml
does "with a bad policy: not started, says where" 1 start "/etc/xenrecon/policies.d/vif.yaml:1:8: "
does "checkconfig says so, too" 1 checkconfig vif.yaml:1:8:
check "with a bad policy: nothing runs" "$(daemon)$(log)" ""
rm /etc/xenrecon/policies.d/vif.yaml
echo 'XENRECON_OPTIONS="--metrics-file /run/xenrecon.prom"' >/etc/conf.d/xenrecon
does "started" 0 start
check "started: it answers at once" "$(xenrecon status | sed -nE 's/^(devices) +([0-9]+).*/\1 \2/p')" "devices 0"
does "started: says so" 0 status started
check "started: the run directory" "$(stat -c '%a %U' /run/xenrecon)" "711 root"
check "started: the log is not for everybody" "$(stat -c '%a %U' /var/log/xenrecon.log)" "640 root"
soon "started: with the options of conf.d" "xenrecon_up 1" grep -h ^xenrecon_up /run/xenrecon.prom
toolstack attach vgreet 7 0
reach "a device is served" "$b/state" 2 "$b/greeting" "hello, 7"
xenstore-write "$f/name" bob "$f/state" 3
reach "and connected" "$b/state" 4
xenstore-write "$f/state" 4
pid=$(worker)

# ---- reload

main=$(daemon)
does "reload" 0 reload
soon "reload: done" 1 logs 'policies reloaded'
echo 'owner: nobody' >/etc/xenrecon/policies.d/vif.yaml
does "reload of a bad policy: refused, says where" 1 reload vif.yaml:1:8:
rm /etc/xenrecon/policies.d/vif.yaml
check "reload of a bad policy: the daemon goes on" "$(daemon) $(logs 'policies reloaded|were not reloaded')" "$main 1"

# ---- restarts

does "restart" 0 restart
check "restart: another process" "$(another_daemon)" yes
the_same "restart"
check "restart: the old one left in good order" "$(logs 'SIGTERM: leaving the devices as they are')" 1
main=$(daemon)
kill -KILL "$main"
soon "killed: started again" yes another_daemon
the_same "killed"
does "killed: says that it runs" 0 status started

# ---- stop

does "stop" 0 stop
check "stop: the worker goes on" "$(daemon)$(worker)" "$pid"
does "stop: says so" 3 status stopped
check "stop: the run directory stays" "$(find /run/xenrecon/workers -type f | wc -l)" 2
stop_store
does "without a store: started, waits" 0 start
soon "without a store: says so" 1 logs 'no store yet'
start_store
soon "the store comes" "devices 0" eval 'xenrecon status | sed -nE "s/^(devices) +([0-9]+).*/\1 \2/p"'
does "stopped for good" 0 stop
