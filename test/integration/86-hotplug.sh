#!/bin/bash
# SPDX-License-Identifier: MIT
# Hotplug scripts for devices that a kernel serves, as `xl devd` runs them: real scripts in a folder of root's, in dom0
# because its policy insists, and in a driver domain.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

if [ "$(id -u)" != 0 ]; then
    echo "SKIP: scripts must be root's"
    exit 0
fi
scripts=$dir/scripts
mkdir -m 755 "$scripts" "$dir/ran"
tools=$(dirname "$(type -P xenstore-write)")
libs=${LD_LIBRARY_PATH:-}

# script NAME: its body from standard input. All note their words and environment in $dir/ran/<XENBUS_PATH's end>; cd there.
script() {
    { cat <<END && cat; } >"$scripts/$1"
#!/bin/bash
cd $dir/ran
PATH=$tools:\$PATH
export LD_LIBRARY_PATH=$libs
me=\${XENBUS_PATH#*/}; me=\${me//\//-}
echo "\${0##*/} \$*" >>\$me
END
    chmod 755 "$scripts/$1"
}
ran() { cat "$dir/ran/${1//\//-}" 2>/dev/null || true; }
# until_true COMMAND...: or fail, in the end
until_true() {
    becomes_true "$@" || fail "waited in vain: $*"
}
ends() { [ "$(grep -cs ended "$dir/ran/ended")" = "$1" ]; }
# state DEVICE STATE: what the kernel's driver does
state() { xenstore-write "$(b_of "$1")/state" "$2"; }
detached() {
    local type domid devid
    IFS=/ read -r type domid devid <<<"$1"
    toolstack detach "$type" "$domid" "$devid" "${@:2}"
}
kernel_policy() {
    policy "$1" <<END
owner: kernel
hotplug: {run: true, directory: $scripts, timeout: ${2:-10s}, parallel: ${3:-4}, in-dom0: ${4:-true}}
hold: {closed: ${5:-200ms}}
retry: {initial: 20ms, max: 100ms}
END
}

script tells <<'END'
env | grep -vE '^(PWD|SHLVL|_|LD_LIBRARY_PATH|PATH|OLDPWD)=' | sort >>$me
ls -l /proc/$$/fd | grep -c pipe: >>$me
xenstore-write "$XENBUS_PATH/hotplug-status" connected
END
script silent </dev/null
script lingers <<'END'
sleep 0.3
END
script fails <<'END'
[ -e works ] && exit
echo "no such bridge" >&2
exit 1
END
script fatal <<'END'
xenstore-write "$XENBUS_PATH/hotplug-error" "said by the script" "$XENBUS_PATH/hotplug-status" error
exit 1
END
script hangs <<'END'
[ -e works ] && exit
sleep 1000 &
echo $! >child
echo waiting
wait
END
script counts <<'END'
mkdir "running.$$"
ls -d running.* | wc -l >>parallel
sleep 0.2
rmdir "running.$$"
END
script chatty <<'END'
[ -e chatted ] && touch again && exit
touch chatted
yes a line of a script that says much | head -c 50000000
until [ -e enough ]; do
    while [ ! -e again ]; do sleep 0.02; done
    yes its child says more | head -n 1000
    sleep 0.1
done &
echo
echo the end
exit 1
END
script mute <<'END'
echo begun >>begun
until [ -e go ]; do sleep 0.02; done
END
script slow <<'END'
echo begun >>begun
until [ -e go ]; do sleep 0.02; done
xenstore-write "$XENBUS_PATH/hotplug-status" connected
echo ended >>ended
END

# ---- in dom0 only where the policy insists

kernel_policy vbd 10s 4 false
status=0
"${xenrecon[@]}" run --once --runtime-dir "$dir/run" --policies "$policies" 2>"$dir/refused" || status=$?
check "dom0: refused" "$status $(grep -c 'in-dom0: true' "$dir/refused")" "1 1"
kernel_policy vbd
kernel_policy vif

# ---- there before we start, and Connected with an empty hotplug-status

toolstack attach vbd 7 1 "script=$scripts/silent" -- attach vbd 7 2 "script=$scripts/silent" hotplug-status=
state vbd/7/1 2
state vbd/7/2 4
check "plan shows what would be run" "$(planned vbd/7/1 'd["row"], d["actions"][0]["command"], d["actions"][0]["environment"][2]')" \
    "('hotplug-add', ['$scripts/silent', 'add'], 'XENBUS_PATH=backend/vbd/7/1')"
mark=$(trace_mark)
"${xenrecon[@]}" run --once --dry-run --policies "$policies" 2>"$dir/dry"
check "--dry-run runs nothing" "$(ran vbd/7/1) $(grep -c 'would hotplug' "$dir/dry")" " 2"
toolstack attach vbd 7 12 "script=$scripts/lingers" --state 2
"${xenrecon[@]}" run --once --runtime-dir "$dir/run" --policies "$policies" 2>"$dir/once"
check "--once waits for scripts" "$(xenstore-read "$(b_of vbd/7/12)/hotplug-status")" connected
xenstore-write "$(b_of vbd/7/1)/hotplug-status" "" "$(b_of vbd/7/2)/hotplug-status" ""
rm "$dir/ran/"*
start_xenrecon --policies "$policies"
reach "there before we start" "$(b_of vbd/7/1)/hotplug-status" connected
reach "Connected before we start" "$(b_of vbd/7/2)/hotplug-status" connected
check "its script was run once" "$(ran vbd/7/1)" "silent add"
xenstore-rm "$(b_of vbd/7/1)/hotplug-status"
await_quiet 300
check "a status that goes is no reason to set it up again" "$(ran vbd/7/1)" "silent add"

# ---- a disk and a network, on and off

toolstack attach vbd 7 3 "script=$scripts/tells" -- attach vif 7 0 script=tells hotplug-status= type=vif vifname=web
await_quiet 100
check "not before the kernel has taken it" "$(ran vbd/7/3)$(ran vif/7/0)" ""
state vbd/7/3 2
state vif/7/0 2
reach "both are connected" "$(b_of vbd/7/3)/hotplug-status" connected "$(b_of vif/7/0)/hotplug-status" connected
await_quiet 100
check "vbd: words and environment" "$(ran vbd/7/3)" "tells add
XENBUS_BASE_PATH=backend
XENBUS_PATH=backend/vbd/7/3
XENBUS_TYPE=vbd
XENSTORED_PATH=$XENSTORED_PATH
XENSTORED_RUNDIR=$XENSTORED_RUNDIR
script=$scripts/tells
2"
check "vif: words and environment" "$(ran vif/7/0 | grep -v XENSTORED)" "tells online type_if=vif
XENBUS_BASE_PATH=backend
XENBUS_PATH=backend/vif/7/0
XENBUS_TYPE=vif
netdev=
script=tells
vif=web
2"
check "what the script has written is not written again" "$(changes_since "$mark" | grep -c vbd/7/3 || true)" 0
rm "$dir/ran/vif-7-0" "$dir/ran/vbd-7-3"
detached vif/7/0
await_quiet 100
check "not before it is Closed" "$(ran vif/7/0)" ""
state vif/7/0 6
reach "taken down" "$(b_of vif/7/0)/hotplug-status" absent
check "vif: offline" "$(ran vif/7/0 | head -n 1)" "tells offline type_if=vif"
detached vbd/7/3
state vbd/7/3 6
reach "vbd: taken down" "$(b_of vbd/7/3)/hotplug-status" absent
check "vbd: remove" "$(ran vbd/7/3 | head -n 1)" "tells remove"
await_quiet 400
check "dom0: the directory is libxl's to remove" "$(state_of "$(b_of vbd/7/3)")" 6

# ---- failures

log=$(log_mark)
toolstack attach vbd 7 4 "script=$scripts/fails" --state 2
reach "a script that fails" "$(b_of vbd/7/4)/hotplug-status" error \
    "$(b_of vbd/7/4)/hotplug-error" "$scripts/fails add exited with status 1: no such bridge"
logged "is a finding" "$log" 'vbd/7/4: hotplug-failed: .* failed [2-9] times: .*no such bridge'
touch "$dir/ran/works"
reach "and is run until it works" "$(b_of vbd/7/4)/hotplug-status" connected "$(b_of vbd/7/4)/hotplug-error" absent
rm "$dir/ran/works"
toolstack attach vbd 7 5 "script=$scripts/fatal" --state 2
reach "a script's own words stay" "$(b_of vbd/7/5)/hotplug-error" "said by the script"
state vbd/7/5 1
toolstack attach vbd 7 6 script=../x --state 2 -- attach vbd 7 7 script=/bin/true --state 2
logged "a way out is refused" "$log" 'vbd/7/6: invalid-key: '
reach "and so is what is elsewhere" "$(b_of vbd/7/7)/hotplug-error" "/bin/true add is not run: it is not beneath the directory for scripts"
chmod 777 "$scripts/silent"
toolstack attach vbd 7 8 "script=$scripts/silent" --state 2
reach "and what others could change" "$(b_of vbd/7/8)/hotplug-error" \
    "$scripts/silent add is not run: it can be changed by others than root"
chmod 755 "$scripts/silent"
reach "until it is put right" "$(b_of vbd/7/8)/hotplug-status" connected
state vbd/7/7 1

# ---- what they print

log=$(log_mark)
toolstack attach vbd 7 14 "script=$scripts/chatty" --state 2
logged "a script that prints 50 MB comes to its end" "$log" 'vbd/7/14: .*/chatty add exited with status 1: the end$'
reach "and is run again" "$(b_of vbd/7/14)/hotplug-status" connected
logged "its end is in the log" "$log" '^xenrecon: vbd/7/14: chatty: the end$'
logged "what its child prints is told as it comes, also after it was run again" "$log" '^xenrecon: vbd/7/14: chatty: its child says more$'
check "and no more than is of use" "$(($(log_since "$log" | grep -c 'chatty: a line') < 500))" 1
check "nothing of it stays in memory" "$(find "/proc/$xenrecon_pid/fd" -lname '*memfd*' | wc -l)" 0
grown=$(awk '/^VmHWM/ { print $2 < 60000 }' "/proc/$xenrecon_pid/status")
check "nor ever was" "$grown" 1
touch "$dir/ran/enough"

# ---- hanging, and many

kernel_policy vbd 300ms 2
kill -HUP "$xenrecon_pid"
logged "reloaded" "$log" 'policies reloaded'
log=$(log_mark)
toolstack attach vbd 7 9 "script=$scripts/hangs" --state 2
reach "a script that hangs is ended" "$(b_of vbd/7/9)/hotplug-error" "$scripts/hangs add did not end within 0.3 s: waiting"
touch "$dir/ran/works"
reach "and run again" "$(b_of vbd/7/9)/hotplug-status" connected
child=$(ps -o stat= -p "$(cat "$dir/ran/child")" || true)
check "with all that it started" "${child:0:1}" "${child:+Z}"
rm "$dir/ran/works"
kernel_policy vbd 10s 2
log=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "reloaded, with more time" "$log" 'policies reloaded'
wants=()
for n in $(seq 20); do
    toolstack attach vbd 8 "$n" "script=$scripts/counts" --state 2
    wants+=("$(b_of "vbd/8/$n")/hotplug-status" connected)
done
toolstack attach vif 8 0 "script=$scripts/tells" --state 2
reach "twenty at once" "${wants[@]}"
check "two at a time" "$(sort -n "$dir/ran/parallel" | tail -n 1)" 2
check "each once" "$(cat "$dir"/ran/vbd-8-* | sort | uniq -c | xargs)" "20 counts add"
check "no zombies" "$(pgrep -P "$xenrecon_pid" -r Z | wc -l)" 0

# ---- gone and back while its script runs: what it says is of the old one

toolstack attach vbd 7 10 "script=$scripts/mute" --state 2
until_true [ -e "$dir/ran/begun" ]
kill -STOP "$xenrecon_pid" # it does not see that there was none for a while
toolstack remove vbd 7 10 -- attach vbd 7 10 "script=$scripts/silent" --state 2
kill -CONT "$xenrecon_pid"
await_quiet 100
check "no other runs beside it" "$(ran vbd/7/10)" "mute add"
touch "$dir/ran/go"
reach "connected" "$(b_of vbd/7/10)/hotplug-status" connected
check "by the new one's script" "$(ran vbd/7/10 | xargs)" "mute add silent add"
rm "$dir/ran/"{go,begun}

# ---- attached again while it is taken down

touch "$dir/ran/go"
toolstack attach vbd 7 13 "script=$scripts/slow" --state 2
reach "set up" "$(b_of vbd/7/13)/hotplug-status" connected
await_quiet 100
rm "$dir/ran/"{go,begun,ended}
detached vbd/7/13
state vbd/7/13 6
until_true [ -e "$dir/ran/begun" ]
xenstore-write "$(b_of vbd/7/13)/online" 1 "$(b_of vbd/7/13)/state" 2
touch "$dir/ran/go"
until_true ends 2
reach "and set up again" "$(b_of vbd/7/13)/hotplug-status" connected
check "one after the other" "$(ran vbd/7/13 | xargs)" "slow add slow remove slow add"
rm "$dir/ran/"{go,begun,ended}

# ---- killed while a script runs

toolstack attach vbd 7 11 "script=$scripts/slow" --state 2
until_true [ -e "$dir/ran/begun" ]
kill_xenrecon
start_xenrecon --policies "$policies"
touch "$dir/ran/go"
reach "kill -9: connected all the same" "$(b_of vbd/7/11)/hotplug-status" connected
until_true ends 2
pass "kill -9: the script that ran came to its end, and was run again"
detached vbd/7/11
kill_xenrecon
state vbd/7/11 6
start_xenrecon --policies "$policies"
reach "kill -9: taken down afterwards" "$(b_of vbd/7/11)/hotplug-status" absent
kernel_policy vbd 10s 4 false
log=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "a reload is refused likewise" "$log" 'in-dom0: true.*|not reloaded'
stop_xenrecon

# ---- a driver domain

backends=/local/domain/5/backend
start_domain 5
start_domain 7
kernel_policy vbd 10s 4 false 300ms
script domain <<'END'
export LD_PRELOAD= RIG_DOMID=5
xenstore-write "$XENBUS_PATH/hotplug-status" connected
END
script leaves <<'END'
[ "$1" = add ] || xenstore-exists "$XENBUS_PATH/state" && echo "B is there" >>$me
[ "$1" = add ]
END
as_domain 5 start_xenrecon --policies "$policies"
attach() { toolstack attach vbd 7 "$1" "script=$scripts/$2" --backend-domain 5; }
attach 1 domain
as_domain 5 state vbd/7/1 2
reach "driver domain: connected" "$(b_of vbd/7/1)/hotplug-status" connected
detached vbd/7/1 --backend-domain 5
closed=$(now_ms)
as_domain 5 state vbd/7/1 6
reach "driver domain: the directory goes" "$(b_of vbd/7/1)" absent
check "driver domain: not before its script ran" "$(ran vbd/7/1 | tail -n 2 | xargs)" "domain add domain remove"
held=$(($(now_ms) - closed))
check "driver domain: Closed is held" "$((held >= 300))" 1
at_once "driver domain: but not for long" $((held - 300))
rm -f "$dir/ran/vbd-7-2"
attach 2 leaves
as_domain 5 state vbd/7/2 2
reach "driver domain: another" "$(b_of vbd/7/2)/hotplug-status" connected
detached vbd/7/2 --backend-domain 5
as_domain 5 state vbd/7/2 6
reach "driver domain: it goes although the script fails" "$(b_of vbd/7/2)" absent
check "driver domain: after three tries" "$(ran vbd/7/2 | sort | uniq -c | xargs)" "4 B is there 1 leaves add 3 leaves remove"
stop_xenrecon
