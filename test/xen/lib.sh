# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For scenarios, which source this first, in dom0. When one exits, what it started is ended, and what it left behind of
# devices goes with all guests; otherwise the next one finds the guests that this one left. The status is 1 if anything
# failed, and a command that fails unexpectedly ends the scenario.
#
# Domains are called by their names here, devices as xenrecon calls them: qdisk/7/51712.
# shellcheck disable=SC2034  # variables for those who source this
set -eEu
here=/run/scenario
images=/tmp/images
policies=/etc/xenrecon/policies.d # come before those that are shipped
patience=${PATIENCE:-180} # seconds for what should happen; an emulated machine may be slow
failures=0
xenrecon_pid=
told=      # what a guest was last asked
options=() # of xenrecon run
declare -A consoles=() # by guest's name: the descriptor of its console

pass() {
    echo "PASS $1"
}

fail() {
    echo "FAIL $1"
    failures=$((failures + 1))
}

# check NAME GOT WANT
check() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1: got '$2', want '$3'"
    fi
}

# check_match NAME TEXT PATTERN
check_match() {
    if [[ $2 =~ $3 ]]; then
        pass "$1"
    else
        fail "$1: '$2' does not match '$3'"
    fi
}

# Sleeps without a new process, which takes long here.
pause() {
    read -rt "$1" <>"$here/never" || true
}

# becomes NAME WANT COMMAND...: until it prints that
becomes() {
    local name=$1 want=$2 end=$((SECONDS + patience)) got
    shift 2
    until got=$("$@") || true && [ "$got" = "$want" ]; do
        [ $SECONDS -lt $end ] || {
            fail "$name: still '$got' after $patience s, want '$want'"
            return 0
        }
        pause 0.2
    done
    pass "$name"
}

# Of a program's processes those that are not a worker's keeper, which is of the same file.
pids_of() {
    local pid pids=()
    for pid in $(pidof "$1" || true); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = xenrecon-keeper ] || pids+=("$pid")
    done
    echo "${pids[*]}"
}

# ---- the store

state_of() {
    xenstore-read "$1/state" 2>/dev/null || echo absent
}

b_of() {
    echo "/local/domain/${backend_domid:-0}/backend/$1"
}

f_of() {
    local type=${1%%/*} rest=${1#*/}
    [[ $type != qdisk ]] || type=vbd
    echo "/local/domain/${rest%/*}/device/$type/${rest#*/}"
}

# Both ends' states: 4/4
states() {
    echo "$(state_of "$(b_of "$1")")/$(state_of "$(f_of "$1")")"
}

# reach NAME DEVICE STATES: such as 4/4, or 6/absent
reach() {
    if toolstack wait "$(b_of "$2")/state" "${3%/*}" "$(f_of "$2")/state" "${3#*/}" --timeout-ms $((patience * 1000)); then
        pass "$1"
    else
        fail "$1: $2 is $(states "$2"), not $3"
    fi
}

# gone NAME PATH...
gone() {
    local name=$1 path paths=()
    shift
    for path; do
        paths+=("$path" absent)
    done
    if toolstack wait "${paths[@]}" --timeout-ms $((patience * 1000)); then
        pass "$name"
    else
        fail "$name: there still are $(xenstore-ls -f | grep -F -f <(printf '%s\n' "$@"))"
    fi
}

# ---- the toolstack

xl() {
    timeout 200 /usr/lib/xen/bin/xl "$@"
}

# works NAME COMMAND...: it says why if not
works() {
    local name=$1 status=0
    shift
    "$@" >"$here/said" 2>&1 || status=$?
    if [ $status = 0 ]; then
        pass "$name"
    else
        fail "$name: status $status: $(tail -n 5 "$here/said")"
    fi
}

# fails NAME COMMAND...
fails() {
    local name=$1 status=0
    shift
    "$@" >"$here/said" 2>&1 || status=$?
    if [ $status = 0 ]; then
        fail "$name should fail: $(tail -n 5 "$here/said")"
    else
        pass "$name fails"
    fi
}

# create NAME [LINE...]: a guest, with these lines in its configuration, until it takes commands
create() {
    local name=$1
    [ "$(domid "$name")" = none ] || destroy "$name" # another scenario's
    configure "$@" >"$here/$name.cfg"
    xl create "$here/$name.cfg" >"$here/said" 2>&1 || {
        fail "cannot create $name: $(tail -n 5 "$here/said")"
        exit 1
    }
    await_up "$name"
}

configure() {
    local name=$1
    shift
    cat <<END
name = "$name"
type = "pv"
kernel = "/boot/vmlinux"
ramdisk = "/boot/guest.cpio"
extra = "console=hvc0 mitigations=off quiet loglevel=4 cryptomgr.notests"
memory = 160
on_crash = "preserve"
device_model_override = "/usr/local/libexec/xenrecon/xenrecon-dm"
END
    printf '%s\n' "$@" # later ones override
}

# driver_domain NAME: a guest that has what it takes to serve others
driver_domain() {
    [ -e /boot/both.cpio ] || cat /boot/guest.cpio /boot/driver.cpio >/boot/both.cpio
    create "$1" 'ramdisk = "/boot/both.cpio"' 'memory = 256' 'driver_domain = 1'
    backend_domid=$(domid "$1")
}

# guest NAME: one without devices, perhaps of another scenario
guest() {
    if xl domid "$1" >/dev/null 2>&1; then
        open_console "$1"
    else
        create "$1"
    fi
}

domid() {
    xl domid "$1" 2>/dev/null || echo none
}

destroy() {
    xl destroy "$1"
    close_console "$1"
}

# waits_for_nobody NAME GUEST: destroys it, and libxl says nothing of a backend that did not answer in time
waits_for_nobody() {
    local said
    works "$1" xl -vvv destroy "$2"
    close_console "$2"
    said=$(grep -iE 'timed out|timeout reached|error|fail' "$here/said" || true)
    check "$1: libxl waited for nobody" "$said" ""
}

# use_qdisks NAME: what lets libxl attach disks of QEMU's to a guest that was created without any. It only asks whether
# there is a device model, and ends it with the domain.
use_qdisks() {
    sleep 100000 &
    disown $!
    xenstore-write "/local/domain/$(domid "$1")/image/device-model-pid" $!
}

# qdisk DEVICE [OPTION...]: the words for a disk that libxl takes for one of QEMU's
qdisk() {
    local IFS=, device=$1
    shift
    truncate -s 32M "$images/$device.img"
    echo "vdev=$device,format=raw,access=rw,backendtype=qdisk${*:+,$*},target=$images/$device.img"
}

# qcow2_disk DEVICE: the same for an image of that format
qcow2_disk() {
    qemu-img create -q -f qcow2 -o cluster_size=4096 "$images/$1.qcow2" 32M
    echo "vdev=$1,format=qcow2,access=rw,backendtype=qdisk,target=$images/$1.qcow2"
}

# attach_disk NAME DEVICE [OPTION...]
attach_disk() {
    xl block-attach "$1" "$(qdisk "${@:2}")"
}

# kernel_disk SCRIPT: the words for xvda, served by blkback from a file
kernel_disk() {
    modprobe loop
    truncate -s 32M "$images/xvda.img"
    echo "vdev=xvda,format=raw,access=rw,backendtype=phy,script=$1,target=$images/xvda.img"
}

# What xl says of a guest: running, paused, crashed, shutdown or gone.
domain_state() {
    local state
    state=$(xl list "$1" 2>/dev/null | awk 'NR == 2 { print $5 }')
    case $state in
    "") echo gone ;;
    *c*) echo crashed ;;
    *s*) echo shutdown ;;
    *p*) echo paused ;;
    *) echo running ;;
    esac
}

# ---- guests, by their consoles

close_console() {
    local fd=${consoles[$1]:-}
    [ -z "$fd" ] || exec {fd}>&-
    unset "consoles[$1]"
}

open_console() {
    local path fd tty end=$((SECONDS + patience))
    close_console "$1"
    path=/local/domain/$(domid "$1")/console/tty
    until tty=$(xenstore-read "$path" 2>/dev/null) && [ -n "$tty" ]; do
        [ $SECONDS -lt $end ] || {
            fail "$1 has no console"
            exit 1
        }
        pause 0.1
    done
    stty -F "$tty" raw -echo
    exec {fd}<>"$tty"
    consoles[$1]=$fd
}

# heard NAME LINE: reads what the guest says, until it says that; the rest goes to standard output
heard() {
    local line
    while read -rt "$patience" -u "${consoles[$1]}" line; do
        line=${line%$'\r'}
        [[ $line != $2* ]] || {
            heard=$line
            return 0
        }
        [ -z "$line" ] || echo "$line"
    done
    return 1
}

# await_up NAME: until a guest that was just created, or comes back, takes commands
await_up() {
    open_console "$1"
    heard "$1" "@0 up" >"$here/boot" || {
        fail "$1 does not come up: $(tail -n 5 "$here/boot")"
        exit 1
    }
}

# reborn NAME DOMID: until a guest that had this domid is back with another one
reborn() {
    local end=$((SECONDS + patience)) domid
    until domid=$(domid "$1") && [ "$domid" != "$2" ] && [ "$domid" != none ]; do
        [ $SECONDS -lt $end ] || {
            fail "$1 does not come back"
            exit 1
        }
        pause 0.5
    done
    await_up "$1"
}

# tell NAME COMMAND...: does not wait for an answer
tell() {
    local name=$1
    shift
    echo "0 $*" >&"${consoles[$name]}"
}

# in_guest NAME COMMAND...: prints what it prints, and has its status
in_guest() {
    local name=$1 number=$RANDOM$RANDOM heard
    shift
    told="$name: $*"
    echo "$number $*" >&"${consoles[$name]}"
    if ! heard "$name" "@$number begin" >/dev/null || ! heard "$name" "@$number end"; then
        echo "$name does not answer"
        return 1
    fi
    return "${heard##* }"
}

# has NAME DEVICE: until the guest can use xvda, or eth0. A front driver is Connected before it offers its device, and a
# guest that writes to /dev/xvda too early makes a file of that name.
has() {
    becomes "$1 has its $2" yes in_guest "$1" "[ -b /dev/$2 ] || [ -e /sys/class/net/$2 ] && echo yes || echo no"
}

# lacks NAME DEVICE: until the guest has given it up
lacks() {
    becomes "$1 has no $2 any more" yes in_guest "$1" "[ -e /dev/$2 ] || [ -e /sys/class/net/$2 ] && echo no || echo yes"
}

# ping_status NAME ADDRESS: one, from the guest
ping_status() {
    in_guest "$1" "ping -c 1 -W 5 $2 >/dev/null; echo \$?"
}

# send NAME FILE PATH: copies a file of at most 2 KiB from dom0 into the guest
send() {
    in_guest "$1" "mkdir -p ${3%/*} && echo $(base64 -w 0 "$2") | base64 -d >$3"
}

# start_writer NAME: to xvda of a guest, for ever. Each round writes 6 MiB of noise to another place, flushes, and compares
# what the round before wrote with what is on the disk now.
start_writer() {
    cat >"$here/writer" <<'END'
round=0
while [ ! -e /tmp/stop ]; do
    round=$((round + 1))
    at=$((round % 5)) before=$(((round + 4) % 5))
    dd if=/dev/urandom of=/tmp/noise.$at bs=64k count=96 2>/dev/null
    dd if=/tmp/noise.$at of=/dev/xvda bs=64k seek=$((at * 96)) conv=fsync 2>/dev/null || echo "write error in $round"
    echo 3 >/proc/sys/vm/drop_caches
    [ $round = 1 ] || dd if=/dev/xvda bs=64k skip=$((before * 96)) count=96 2>/dev/null | cmp - /tmp/noise.$before ||
        echo "lost in $((round - 1))"
    echo $round >/tmp/round
done
END
    has "$1" xvda
    send "$1" "$here/writer" /tmp/writer
    tell "$1" 'rm -f /tmp/stop /tmp/round; sh /tmp/writer >/tmp/errors 2>&1 </dev/null & echo $! >/tmp/writer.pid'
    moves "$1" "$1 writes"
}

# moves NAME CHECK: the writer gets through more than one round
moves() {
    becomes "$2" yes further_than "$1" "$(round "$1")"
}
round() {
    in_guest "$1" 'cat /tmp/round 2>/dev/null || echo 0'
}
further_than() {
    [ "$(round "$1")" -gt $(($2 + 1)) ] && echo yes || echo no
}

# stop_writer NAME: prints what went wrong
# shellcheck disable=SC2016  # it is the guest that expands this
stop_writer() {
    in_guest "$1" 'touch /tmp/stop; while kill -0 $(cat /tmp/writer.pid) 2>/dev/null; do sleep 1; done; cat /tmp/errors'
}

# unharmed NAME DISK: after its writer, which this ends. The disk had no error, lost no write, and was connected once.
unharmed() {
    check "no error, no write lost" "$(stop_writer "$1")" ""
    check "the guest's kernel saw none" "$(in_guest "$1" 'dmesg | grep -ciE "i/o error|blkfront.*(error|fail)"' || true)" 0
    check "and never had to connect again" "$(in_guest "$1" 'dmesg | grep -c "xvda: flush"' || true)" 1
    check "it is Connected" "$(states "$2")" 4/4
}

# ---- xenrecon

# policy TYPE: the rest of the file from standard input
policy() {
    { printf 'version: 1\ntype: %s\n' "$1" && cat; } >"$policies/$1.yaml"
}

# policy_disk: disks that the front driver connects to, though nobody moves data
policy_disk() {
    policy qdisk <<'END'
frontend: vbd
owner: xenrecon
backend-keys:
  params: {required: true, match: '^(aio|raw|qcow2):/'}
  mode: {required: true, enum: [r, w]}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
  event-channel: {type: uint32, required: connect}
publish: {sectors: 0, sector-size: 512, info: 0}
END
}

# policy_blk: disks that xenrecon-blk serves, as the example in deploy/ has it
policy_blk() {
    cp /etc/xenrecon/examples/qdisk.yaml "$policies"
}

# Until it says that it is ready.
start_xenrecon() {
    local said=0 end=$((SECONDS + patience))
    [ ! -e "$here/xenrecon.log" ] || said=$(wc -l <"$here/xenrecon.log")
    xenrecon run "${options[@]}" </dev/null >>"$here/xenrecon.log" 2>&1 &
    xenrecon_pid=$!
    until tail -n +$((said + 1)) "$here/xenrecon.log" | grep -q "^xenrecon: ready"; do
        if [ $SECONDS -gt $end ] || ! kill -0 $xenrecon_pid 2>/dev/null; then
            fail "xenrecon did not become ready"
            exit 1
        fi
        pause 0.2
    done
}

stop_xenrecon() {
    local status=0 pid=$xenrecon_pid
    [ -n "$pid" ] || return 0
    xenrecon_pid=
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || status=$?
    [ $status = 0 ] || fail "xenrecon exited with status $status"
}

# As a crash does it.
kill_xenrecon() {
    kill -KILL "$xenrecon_pid"
    wait "$xenrecon_pid" 2>/dev/null || true
    xenrecon_pid=
}

# silent NAME: plan finds nothing to do and nothing to say, once what is still going on has come to its end
silent() {
    local name=$1 status end=$((SECONDS + patience)) before=
    until status=0 && { xenrecon plan --detailed-exitcode >"$here/plan" 2>&1 || status=$?; } && [ $status = 0 ]; do
        [ $SECONDS -lt $end ] || {
            fail "$name: status $status"
            cat "$here/plan"
            return 0
        }
        before=$(cat "$here/plan")
        pause 0.2
    done
    [ -z "$before" ] || echo "before that, plan said: $before"
    pass "$name"
}

findings() {
    xenrecon plan >"$here/plan" 2>&1 || true
    sed -nE 's/^ *! [a-z]+ ([a-z-]+): .*/\1/p' "$here/plan" | sort | tr '\n' ' '
}

# finds NAME CODE...: plan comes to name these, and nothing else. Beside a daemon it knows for how long, and waits as long.
finds() {
    local name=$1
    shift
    becomes "$name" "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" findings
}

# ---- the end

clean_up() {
    local name domid rest devices
    devices=$(xenstore-ls -f /local/domain/0/backend | grep -vE '^/local/domain/0/backend/console' || true)
    [ $failures != 0 ] || [ -n "$devices" ] || return 0
    /usr/lib/xen/bin/xl list | while read -r name domid rest; do
        [ "$domid" = ID ] || [ "$domid" = 0 ] || timeout 60 /usr/lib/xen/bin/xl destroy "$domid"
    done
    for name in $(xenstore-list /local/domain/0/backend 2>/dev/null); do
        xenstore-rm "/local/domain/0/backend/$name"
    done
}

finish() {
    local status=$? pids name
    trap - EXIT ERR
    set +e
    stop_xenrecon
    [ $failures = 0 ] || status=1
    mapfile -t pids < <(jobs -p)
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
    if [ $status != 0 ]; then
        [ ! -s "$here/xenrecon.log" ] || { echo "--- xenrecon's log:" && tail -n 40 "$here/xenrecon.log"; }
        [ ! -s /var/log/xen/xen-hotplug.log ] || { echo "--- hotplug scripts:" && tail -n 10 /var/log/xen/xen-hotplug.log; }
        tail -n 10 /var/log/xen/qemu-dm-*.log 2>/dev/null
        echo "--- the store:"
        xenstore-ls -f /local/domain | grep -E '/(backend|device|error)/.*/(state|online|xenrecon|hotplug-[a-z]*|error) = ' | tail -n 40
        for name in "${!consoles[@]}"; do
            echo "--- in $name:"
            patience=10 in_guest "$name" 'dmesg | tail -n 8; tail -n 20 /tmp/log 2>/dev/null'
        done
    fi
    clean_up >/dev/null 2>&1
    exit $status
}

rm -rf "$here" "$images" "$policies"
mkdir -p "$here" "$images" "$policies"
mkfifo "$here/never"
trap finish EXIT
trap 'exit 130' INT TERM
trap 'fail "${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND${told:+ (last asked of $told)}"' ERR
