#!/bin/bash
# SPDX-License-Identifier: MIT
# Hotplug scripts are run once for each attach, also under kernels that remove hotplug-status once they have connected.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

if [ "$(id -u)" != 0 ]; then
    echo "SKIP: scripts must be root's"
    exit 0
fi
scripts=$dir/scripts
mkdir -m 755 "$scripts"
cat >"$scripts/vif-test" <<END
#!/bin/bash
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
echo "\$1" >>$dir/ran
$(type -P xenstore-write) "\$XENBUS_PATH/hotplug-status" connected
END
chmod 755 "$scripts/vif-test"
policy vif <<END
owner: kernel
hotplug: {run: true, directory: $scripts, timeout: 30s, in-dom0: true}
END
b=$(b_of vif/3/0)
f=$(f_of vif/3/0)

attach() {
    toolstack attach vif 3 0 script="$scripts/vif-test" mac=00:16:3e:00:00:33 handle=0 hotplug-status=
}
ran() { sort "$dir/ran" | uniq -c | xargs; }
# removed NAME: netback removes what the script said, whatever becomes of it
removed() {
    xenstore-rm "$b/hotplug-status"
    await_quiet 300
    check "$1: no other run" "$(ran)" "$runs online"
    check "$1: nothing is wrong" "$(planned vif/3/0 '[f["code"] for f in d["findings"] if f["severity"] != "info"]')" "[]"
}

attach
start_xenrecon --policies "$policies" --resync 0
xenstore-write "$b/state" 2
reach "the script has set it up" "$b/hotplug-status" connected
runs=1
xenstore-write "$f/tx-ring-ref" 8 "$f/state" 4 "$b/state" 4
removed "Connected, and the status removed"
xenstore-write "$b/hotplug-status" ""
await_quiet 300
check "the status emptied: no other run" "$(ran)" "1 online"
xenstore-write "$f/state" 5 "$b/state" 5 "$f/state" 6 "$b/state" 6 "$f/state" 1 "$b/state" 2
await_quiet 300
removed "the guest connects anew, InitWait"
for how in stop_xenrecon kill_xenrecon; do
    becomes_true grep -qs "^vif/3/0 .*ends=2,1,1 .*script=1," "$dir/run/ages" || fail "what the script did is not kept"
    $how
    start_xenrecon --policies "$policies" --resync 0
    await_quiet 300
    check "$how, InitWait: no other run" "$(ran)" "1 online"
done
kill_xenrecon
xenstore-write "$f/state" 2
start_xenrecon --policies "$policies" --resync 0
await_quiet 300
check "another state meanwhile: no other run" "$(ran)" "1 online"
xenstore-write "$f/state" 4 "$b/state" 4
await_quiet 300
check "and Connected: no other run" "$(ran)" "1 online"
kill_xenrecon
start_xenrecon --policies "$policies" --resync 0
await_quiet 300
check "another xenrecon: no other run" "$(ran)" "1 online"

# ---- another attach is another run

toolstack detach vif 3 0
xenstore-write "$f/state" 6 "$b/state" 6
xenstore-rm "$b"
xenstore-rm "$f"
await_quiet 300
attach
xenstore-write "$b/state" 2
reach "attached again: set up again" "$b/hotplug-status" connected
check "attached again: run again" "$(grep -c online "$dir/ran")" 2

# ---- and so is one while nobody looks

kill_xenrecon
toolstack detach vif 3 0
xenstore-rm "$b"
xenstore-rm "$f"
attach
xenstore-write "$b/state" 2
start_xenrecon --policies "$policies" --resync 0
reach "attached while nobody looked: set up" "$b/hotplug-status" connected
check "attached while nobody looked: run" "$(grep -c online "$dir/ran")" 3
stop_xenrecon
