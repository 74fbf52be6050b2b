#!/bin/bash
# SPDX-License-Identifier: MIT
# Images that are reached over a network: opened by a process of their own for each, which systemd starts, where an
# administrator has turned that on.
# shellcheck disable=SC2119 # options are for whom they matter
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
. "$repo/test/lib/block.sh"
# shellcheck source=test/lib/formats.sh
. "$repo/test/lib/formats.sh"

mkdir "$dir/bin" # the clone may be where its user may not look
cp "$XENRECON_BLK" "$dir/bin/xenrecon-blk"
XENRECON_BLK=$dir/bin/xenrecon-blk

openers() { pgrep -f "^$XENRECON_BLK --serve-network -- $dir/" || true; }

one_of_each() { [ "$(openers | wc -l) $(daemons | wc -l)" = "1 1" ]; }
none() { [ -z "$(openers)$(daemons)" ]; }

# network_policy [OPTION]: what the manual says is to be added to the example
network_policy() {
    formats_policy
    [ $# = 0 ] || sed -i "s#'--direct=\${direct-io-safe}'#'--direct=\${direct-io-safe}', '$1'#" "$dir/policies/qdisk.yaml"
    sed -i '/^  params:/s/|luks)/|luks|nbd|nbd\\+unix|iscsi|rbd|https?)/' "$dir/policies/qdisk.yaml"
}

# serve FILE OPTION...: by qemu-nbd
serve() {
    qemu-nbd --fork --persistent --shared=0 "${@:2}" "$1"
}

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy
start_xenrecon --policies "$dir/policies"
truncate -s 64M "$dir/far"
serve "$dir/far" -f raw --socket="$dir/nbd" --export-name=web

# ---- not turned on

attach_disk 51712 64M "params=nbd+unix:///web?socket=$dir/nbd"
says "it is not in the policy: said so" qdisk/7/51712 invalid-key params
check "and no worker was started for it" "$(grep -c 'worker .* started' "$dir/xenrecon.log" || true)" 0
toolstack remove qdisk 7 51712 --frontend vbd
kill_xenrecon
network_policy
start_xenrecon --policies "$dir/policies"
attach_disk 51712 64M "params=nbd+unix:///web?socket=$dir/nbd"
says "nobody opens such images: said so" qdisk/7/51712 worker-died "not served without --network"
detached 51712

# ---- turned on

mkdir -m 700 "$dir/net"
[ "$jail" != whole ] || chown 1900100000:1900100000 "$dir/net"
[ "$jail" != whole ] || chmod 666 "$dir/nbd"
"$repo/test/lib/activate.py" "$dir/network" "$dir/net" "$XENRECON_BLK" --serve-network -- "$daemon" >"$dir/activate.log" 2>&1 &
becomes_true grep -q listening "$dir/activate.log"
kill_xenrecon
network_policy "--network=$dir/network"
start_xenrecon --policies "$dir/policies"
attach_disk 51712 64M "params=nbd+unix:///web?socket=$dir/nbd"
reach "nbd, by a socket of this host: InitWait" "$b/state" 2 "$b/sectors" 131072
seq 1000000 | head -c 1048576 >"$dir/data"
exits "write" 0 blk write 3 2048 <"$dir/data"
exits "flush" 0 blk flush
check "what was written is there" "$(cmp -n 1048576 "$dir/data" <(tail -c +1537 "$dir/far") && echo yes)" yes
exits "verify" 0 blk verify --count 1000 --depth 16
if [ "$jail" = whole ]; then
    check "its daemon is another user than the guest's" "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$(daemons)/status")" 1900100000
fi
daemon_before=$(daemons)
kill -KILL "$(workers)"
exits "the worker was killed: the next serves" 0 blk verify --count 200 --seed 2
kill_all daemons
exits "the daemon was killed: another serves" 0 blk verify --count 200 --seed 3
check "another" "$([ "$(daemons)" != "$daemon_before" ] && [ "$(daemons | wc -l)" = 1 ] && echo yes)" yes

qemu-img create -q -f qcow2 "$dir/layers" 32M
truncate -s 64M "$dir/layers" # it cannot be made longer from there
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
serve "$dir/layers" -f raw --bind=127.0.0.1 --port="$port"
attach_disk 51728 64M "params=qcow2:nbd://127.0.0.1:$port"
reach "nbd, by TCP, a qcow2 in it: InitWait" "$b/state" 2 "$b/sectors" 65536
exits "verify" 0 blk verify --count 500 --seed 4
check "each image has an opener and a daemon of its own" "$(openers | wc -l) $(daemons | wc -l)" "2 2"
detached 51728
becomes_true one_of_each || true
check "which end with it" "$(openers | wc -l) $(daemons | wc -l)" "1 1"
attach_disk 51744 64M "params=nbd:127.0.0.1:1"
says "nobody listens there: said so" qdisk/7/51744 worker-died "Connection refused"
detached 51744
attach_disk 51760 64M "params=iscsi://example.org/no-lun"
says "no address: said so" qdisk/7/51760 worker-died "no address of this kind"
detached 51760

# ---- http

if ls /usr/lib/*/qemu/block-curl.so >/dev/null 2>&1; then
    head -c 4M /dev/urandom >"$dir/page"
    "$repo/test/lib/ranges.py" "$dir/page" >"$dir/port" &
        becomes_true test -s "$dir/port"
    attach_disk 51776 4M "params=http://127.0.0.1:$(cat "$dir/port")/page" mode=r
    reach "http: InitWait" "$b/state" 2 "$b/sectors" 8192
    blk read 0 2048 >"$dir/read"
    exits "http: what is there" 0 cmp -n 1048576 "$dir/read" "$dir/page"
    detached 51776
    attach_disk 51776 4M "params=http://127.0.0.1:$(cat "$dir/port")/page" mode=w
    says "http: nothing to write to, said so" qdisk/7/51776 worker-died "does not support writes"
    detached 51776
else
    echo "without http: block-curl.so is in Debian's qemu-block-extra"
fi
detached 51712
becomes_true none || true
check "nothing is left" "$(openers)$(daemons)" ""
