#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in the machine of ../package.sh, with the package in $MACHINE/deb.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../../lib/testlib.sh"
# shellcheck source=test/lib/pages.sh
. "$repo/test/lib/pages.sh"
export DEBIAN_FRONTEND=noninteractive
deb=$(echo "$MACHINE"/deb/xenrecon_*.deb)
b=/local/domain/0/backend/vgreet/7/0
f=/local/domain/7/device/vgreet/0
main() {
    systemctl show -P MainPID xenrecon
}
left() {
    find / -xdev \( -path /proc -o -path "$repo" -o -path "$MACHINE" -o -path "$XENRECON_CACHE" -o -path "$dir" \) -prune -o -name '*xenrecon*' -print | sort
}
mkdir -p /run/xenstored
ln -s "$dir/socket" /run/xenstored/socket
chmod 711 "$dir"

# ---- without Xen

dpkg -i "$deb" >"$dir/log" 2>&1 || cat "$dir/log"
check "installed" "$(dpkg-query -W -f '${db:Status-Status}' xenrecon)" installed
check "without Xen: enabled, but not running" "$(systemctl is-enabled xenrecon) $(systemctl is-active xenrecon || true)" "enabled inactive"
check "it runs" "$(xenrecon --version)" "$("${xenrecon[@]}" --version)"
check "its policies are those that were meant" "$(xenrecon policy check | grep -c '^/usr/share/xenrecon/policies/.*: ok')" \
    "$(find "$repo/deploy/policies" -name '*.yaml' | wc -l)"
check "the example finds its program" "$([ -x "$(sed -nE 's/^ *- (\/.*)/\1/p' /usr/share/xenrecon/examples/qdisk.yaml)" ] && echo yes)" yes

# ---- with it

mkdir -p /dev/xen /usr/local/libexec
: >/dev/xen/xenbus
from_page xenrecon-worker.7 '#!/usr/bin/python3' >/usr/local/libexec/vgreet.py
chmod 755 /usr/local/libexec/vgreet.py
from_page xenrecon-worker.7 'version: 1' >/etc/xenrecon/policies.d/vgreet.yaml
systemctl start xenrecon
toolstack attach vgreet 7 0
reach "a device is served" "$b/state" 2
xenstore-write "$f/name" bob "$f/state" 3
reach "and connected" "$b/state" 4
pid=$(pgrep -f vgreet.py)
before=$(main)
dpkg -i "$deb" >"$dir/log" 2>&1 || cat "$dir/log"
check "upgraded: another daemon" "$([ "$(main)" != "$before" ] && systemctl is-active xenrecon)" active
check "upgraded: the same worker" "$(pgrep -f vgreet.py) $(state_of "$b")" "$pid 4"
toolstack detach vgreet 7 0
reach "upgraded: the device is looked after" "$b/state" 5

# ---- removed

dpkg -r xenrecon >"$dir/log" 2>&1 || cat "$dir/log"
check "removed: the worker goes on" "$(pgrep -f vgreet.py) $(systemctl is-active xenrecon || true)" "$pid inactive"
check "removed: the administrator's policy stays" "$(ls /etc/xenrecon/policies.d)" vgreet.yaml
rm /etc/xenrecon/policies.d/vgreet.yaml
dpkg --purge xenrecon >"$dir/log" 2>&1 || cat "$dir/log"
check "purged: nothing is left" "$(left)" ""

# ---- the RPM package's files, as if they had come by it

cp -a "$MACHINE/rpm/root/." /
systemctl daemon-reload
systemctl start xenrecon
toolstack attach vkbd 7 0
check "RPM: the service runs" "$(systemctl is-active xenrecon)" active
check "RPM: it knows its policies" "$(xenrecon plan --quiet | grep -cE '^[a-z]+ +vkbd/7/0 ')" 1
systemctl stop xenrecon
