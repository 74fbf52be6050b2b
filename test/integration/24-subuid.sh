#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers are no users that /etc/subuid or /etc/subgid give to somebody's containers: such policies are refused, at the start,
# in a reload, and by `policy check`; the users of the examples are in nobody's way.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
if [ "$(id -u)" != 0 ] || [ ! -e /etc/subuid ] || [ ! -e /etc/subgid ] ||
    ! unshare -m mount --bind /etc/subgid /etc/subuid 2>/dev/null; then
    echo "SKIP: /etc/subuid cannot be another file here"
    exit 0
fi
: >"$dir/subuid"
: >"$dir/subgid"
# With files of ours in the place of the system's
xenrecon=(unshare -m sh -c "mount --bind $dir/subuid /etc/subuid && mount --bind $dir/subgid /etc/subgid && exec \"\$@\"" -
    "${xenrecon[@]}")

# uids BASE: the policy has these
uids() {
    policy vgreet <<END
owner: xenrecon
worker: {command: [/bin/true], uid-base: $1}
END
}
refused() {
    local status=0
    "${xenrecon[@]}" run --once --runtime-dir "$dir/run" --policies "$policies" 2>"$dir/out" || status=$?
    check "$1: refused" "$status" 1
    check "$1: it says which line of which file" "$(grep -c "$policies/vgreet.yaml: .*uid-base.* $2 gives to " "$dir/out")" 1
    exits "$1: policy check" 1 "${xenrecon[@]}" policy check --policies "$policies"
    exits "$1: policy check of the file, which may be for another host" 0 "${xenrecon[@]}" policy check "$policies/vgreet.yaml"
    check "$1: warns" "$(grep -c "^warning: this host's daemon would refuse it: $policies/vgreet.yaml: .*uid-base.* $2 gives to " "$dir/out")" 1
}

uids 200000
echo "alice:100000:65536
bob:165536:65536" >"$dir/subuid"
refused "a range of users" /etc/subuid:2
: >"$dir/subuid"
echo "
bob:232751:1" >"$dir/subgid"
refused "a range of groups, and the last guest" /etc/subgid:2
echo "bob:232752:65536" >"$dir/subgid"
exits "the next range: fine" 0 "${xenrecon[@]}" policy check --policies "$policies"
exits "and of the file" 0 "${xenrecon[@]}" policy check "$policies/vgreet.yaml"
check "without a warning" "$(grep -c warning "$dir/out" || true)" 0
start_xenrecon --policies "$policies"
echo "bob:200100:1" >"$dir/subuid"
mark=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "a reload is refused" "$mark" "uid-base.*/etc/subuid:1 gives to bob"
logged "and the policies stay" "$mark" "the policies were not reloaded"

# What Debian gives to ten users, and what LXD and Incus give to root
for n in {0..9}; do echo "user$n:$((100000 + n * 65536)):65536"; done >"$dir/subuid"
echo "root:1000000:1000000000" >>"$dir/subuid"
cp "$dir/subuid" "$dir/subgid"
base=$(sed -n 's/^  uid-base: \([0-9]*\).*/\1/p' "$repo/deploy/examples/qdisk.yaml")
uids "$base"
exits "the example's users are nobody's" 0 "${xenrecon[@]}" policy check --policies "$policies"
check "they are those of the manual, and have a name" "$(grep -c "uid-base: $base" "$repo/deploy/man/xenrecon-worker.7.scd") $(grep -c \
    "^u xenrecon-workers $base " "$repo/deploy/systemd/sysusers.conf")" "1 1"
