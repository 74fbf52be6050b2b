#!/bin/bash
# SPDX-License-Identifier: MIT
# Who is in the group of readers may ask how it goes without being root, and nothing else. Needs root, to become others.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run
cp "${xenrecon[-1]}" "$dir/program" # the clone may be where others may not look
chmod 755 "$dir" "$dir/program"

# as GROUP COMMAND...: nobody, in this group
as() {
    setpriv --reuid 65534 --regid "$1" --clear-groups "$dir/program" "${@:2}" 2>&1 || echo "status $?"
}

policy_qdisk </dev/null
# shellcheck disable=SC2016 # backticks are what is printed
check "a group that is not there" \
    "$("${xenrecon[@]}" run --policies "$policies" --readers nosuchgroup 2>&1 || echo "status $?")" \
    'xenrecon: --readers: there is no group "nosuchgroup" here
xenrecon: see `xenrecon run --help`
status 64'
start_xenrecon --policies "$policies" --readers daemon
attach_qdisk 7 51712
await "$(b_of qdisk/7/51712)/state" 2
[ "$(id -u)" = 0 ] || exit 0
check "the sockets' modes" "$(stat -c '%n %a %G' "$dir"/run/{control,reader} | sed "s,$dir/,,")" "run/control 600 root
run/reader 660 daemon"
check "who is in the group is told what root is told" "$(as daemon status --format json qdisk/7/51712 | sed '/_seconds"\|"now"/d')" \
    "$("${xenrecon[@]}" status --format json qdisk/7/51712 | sed '/_seconds"\|"now"/d')"
check "but not what the store is read for" "$(as daemon wait --for closed --timeout 1 qdisk/7/51712 | tail -n 1)" "status 1"
check "and see what happened" "$(as daemon events | grep -c 'qdisk/7/51712.*create')" 1
check "and before" "$(as daemon history qdisk/7/51712 | grep -c ' create ')" 1
check "and check" "$(as daemon check | cut -d ' ' -f 1,2)" "XENRECON OK"
check "who is not is refused" "$(as nogroup status)" "xenrecon: only root and its group may ask the daemon: $dir/run/reader: Permission denied
xenrecon: run this as root, or as somebody in that group
status 1"
ask() {
    setpriv --reuid 65534 --regid daemon --clear-groups python3 - "$dir/run/reader" "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall((sys.argv[2] + "\n").encode())
print(s.makefile().readline(), end="")
END
}
for request in '"policies"' '"status", "memory": true'; do
    check "a reader may not ask for $request" "$(ask "{\"protocol\": 1, \"request\": $request}" | cut -d , -f 1)" \
        '{"error":{"code":"not-allowed"'
done
log=$(log_mark)
rm "$dir/run/reader"
logged "its socket is made again" "$log" "somebody removed $dir/run/.*: made again"
check "and answers" "$(as daemon status --quiet qdisk/7/51712 | grep -c qdisk/7/51712)" 1
stop_xenrecon
start_xenrecon --policies "$policies"
[ -n "$(getent group xenrecon)" ] || check "without a group there are none" "$(as daemon status | head -n 1)" \
    "xenrecon: only root may ask the daemon: $dir/run/control: Permission denied"
