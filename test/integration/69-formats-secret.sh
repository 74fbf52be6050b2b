#!/bin/bash
# SPDX-License-Identifier: MIT
# Encrypted images: their passphrases are in files that only root may read, and nowhere else.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"
# shellcheck source=test/lib/formats.sh
. "$repo/test/lib/formats.sh"

secret=thieves-like-us-$RANDOM
secrets=$dir/secrets
mkdir -m 700 "$secrets"
key() { echo "$secrets$dir/disk.$1"; }

# keep_secret DEVID TEXT MODE: where it is looked for
keep_secret() {
    mkdir -p "$secrets$dir"
    rm -f "$(key "$1")"
    (umask 077 && printf %s "$2" >"$(key "$1")")
    chmod "$3" "$(key "$1")"
}

# create DEVID FORMAT: cheap to open, since that is done more than once
create() {
    local how=iter-time=10
    [ "$2" = luks ] || how=encrypt.format=luks,encrypt.iter-time=10
    (umask 077 && printf %s $secret >"$dir/given")
    qemu-img create -q --object "secret,id=s,file=$dir/given" -f "$2" \
        -o "$how,$([ "$2" = luks ] && echo key-secret=s || echo encrypt.key-secret=s)" "$dir/disk.$1" 16M
}

# where_it_is: files of processes, store and logs that have the secret
where_it_is() {
    local pid
    for pid in $(workers; servers; daemons) $xenrecon_pid; do
        tr '\0' '\n' <"/proc/$pid/cmdline" | grep -F "$secret" || true
        { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -F "$secret" || true
    done
    xenstore-ls -f | grep -F "$secret" || true
    grep -rlF "$secret" "$dir/run" "$dir/xenrecon.log" || true
}

toolstack domain-create 0
start_domain 7 4096 grants
formats_policy "--secrets=$secrets"
start_xenrecon --policies "$dir/policies"
create 51712 luks
attach_image 51712 luks
says "no passphrase: said so, and where it is looked for" qdisk/7/51712 worker-died "the passphrase, in $(key 51712): No such file"
detached 51712
keep_secret 51712 $secret 640
attach_image 51712 luks
says "one that others may read: refused" qdisk/7/51712 worker-died "which nobody else may read"
detached 51712
keep_secret 51712 wrong 600
attach_image 51712 luks
says "a wrong one: said so" qdisk/7/51712 worker-died "Invalid password"
detached 51712
keep_secret 51712 $secret 600
attach_image 51712 luks
reach "luks: InitWait, with the size of what is inside" "$b/state" 2 "$b/sectors" 32768
seq 100000 | head -c 524288 >"$dir/data"
exits "write" 0 blk write 0 1024 <"$dir/data"
blk read 0 1024 >"$dir/read"
exits "read: the same" 0 cmp "$dir/data" "$dir/read"
exits "verify" 0 blk verify --count 200
exits "write, to find it" 0 blk write 0 1024 <"$dir/data"
check "what is in the image is not what was written" "$(grep -c ^9999$ "$dir/data") $(grep -ac ^9999$ "$dir/disk.51712" || true)" "1 0"

create 51728 qcow2
keep_secret 51728 $secret 600
attach_image 51728 qcow2
reach "qcow2, encrypted: InitWait" "$b/state" 2
exits "qcow2: verify" 0 blk verify --count 200
check "the passphrase is nowhere else" "$(where_it_is)" ""
detached 51728
detached 51712
qemu-img convert --object "secret,id=s,file=$dir/given" --image-opts \
    "driver=luks,key-secret=s,file.driver=file,file.filename=$dir/disk.51712" -O raw "$dir/raw"
exits "with the passphrase, it is in it" 0 cmp -n 524288 "$dir/raw" "$dir/data"
