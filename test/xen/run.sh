#!/bin/bash
# SPDX-License-Identifier: MIT
# Boots the real Xen, with Linux as dom0, in an emulated machine, and runs scenarios there:
#
#   run.sh [--suite SUITE] [--short] [SCENARIO]...
#
#   --suite    the release of Debian whose Xen, Linux, QEMU and libraries run in there: bookworm (Xen 4.17) or trixie (4.20).
#              By default that of this system, or what XEN_SUITE says. An older one than this system's cannot run what is
#              built here.
#   --short    the scenarios that touch most, in two machines: for the Xen that is not tested in whole
#
# A scenario is a file in scenarios/, without `.sh`; all by default. Its line `# boots:` says in which machines it runs, and
# `# short:` in which with --short:
#
#   xenstored    with the xenstored in C
#   oxenstored   with the one in OCaml
#   driver       as xenstored, beside it: guests that serve others, a QEMU, guests of another kind
#
# The scenarios of one machine run in one boot, one after the other. Nothing is installed but QEMU. Logs are kept in
# build/check-xen/SUITE: MACHINE/SCENARIO.log, and MACHINE.console.log with what Xen and dom0's kernel said.
#
# Read from the environment:
#   JOBS        how many machines at once (2)
#   LIMIT       how many seconds one scenario may take (600)
#   XEN_SUITE   as --suite
# shellcheck source=test/lib/jobs.sh
. "$(dirname "$0")/../lib/jobs.sh"
at_once=${JOBS:-2}
limit=${LIMIT:-600}
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
here=$repo/test/xen
suite=${XEN_SUITE:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
runs_in=boots # which line of a scenario says so
declare -A scenarios=() # by machine: names
declare -A timeouts=()  # by machine: the process above its QEMU

usage() {
    sed -n '3,25s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

# boots_of SCENARIO: the machines
boots_of() {
    sed -n "s/^# $runs_in: //p" "$here/scenarios/$1.sh"
}

# Starts a machine; each line that its second serial port prints goes to descriptor 3, with the machine's name before it.
boot() {
    local names=${scenarios[$1]} count
    # shellcheck disable=SC2206  # words
    count=($names)
    # A comma ends a module in -initrd, so that it stands twice in an argument
    timeout --kill-after=20 $((120 + limit * ${#count[@]})) \
        qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,+npt,+svm -m 2G -smp 1 -nodefaults -display none -monitor none -no-reboot \
        -serial "file:$logs/$1.console.log" -serial stdio -kernel "$fetched/boot/xen" \
        -append "console=com1 com1=115200,8n1 dom0_mem=768M,max:768M dom0_max_vcpus=1 spec-ctrl=no xpti=no guest_loglvl=warning" \
        -initrd "$fetched/boot/vmlinux console=hvc0 mitigations=off quiet loglevel=4 panic=-1 cryptomgr.notests random.trust_cpu=on \
xenstored=$([[ $1 = driver ]] && echo xenstored || echo "$1") limit=$limit scenarios=${names// /,,},$repo/build/xen/$suite/dom0.cpio" \
        </dev/null 2>&1 > >(sed -u -E "s/\r//g; s/^(.{2000}).*/\1 [...]/; s/^/$1 /" >&3 && echo "$1 @stopped" >&3) &
    running[$!]=$1
    since[$!]=$(now)
    timeouts[$1]=$!
}

# cpu_of MACHINE: what its QEMU has used until now, in milliseconds; nothing when that is gone
cpu_of() {
    local pid
    for pid in $(cat "/proc/${timeouts[$1]}/task/${timeouts[$1]}/children" 2>/dev/null || true); do
        awk -v ticks="$(getconf CLK_TCK)" '/\(qemu/ { sub(/.*\) /, ""); print int(($12 + $13) * 1000 / ticks) }' "/proc/$pid/stat" 2>/dev/null || true
    done
}

# Why a machine stopped before it was through: the end of what Xen and Linux said.
console() {
    echo "the machine stopped; the end of $1.console.log:"
    tail -n 25 "$logs/$1.console.log" | tr -d '\r'
}

# Takes in what the machines say, until they have all stopped.
listen() {
    local -A current=() cpu=()
    local machine line left alive=0 name used
    # What takes longest begins first
    mapfile -t left < <(for machine in "${!scenarios[@]}"; do echo "${#scenarios[$machine]} $machine"; done | sort -rn | cut -d' ' -f2)
    while [ ${#left[@]} -gt 0 ] || [ $alive -gt 0 ]; do
        while [ $alive -lt "$at_once" ] && [ ${#left[@]} -gt 0 ]; do
            boot "${left[0]}"
            left=("${left[@]:1}")
            alive=$((alive + 1))
        done
        read -r -u 3 machine line
        case $line in
        "@begin "*)
            current[$machine]=${line#@begin }
            cpu[$machine]=$(cpu_of "$machine")
            : >"$logs/$machine/${current[$machine]}.log"
            ;;
        "@end "*)
            read -r _ name status ms <<<"$line"
            used=$(cpu_of "$machine")
            [ -z "$used" ] || echo $((used - cpu[$machine])) >"$logs/$machine/$name.cpu"
            over "$machine/$name" "$status" "$ms"
            scenarios[$machine]=${scenarios[$machine]#"$name"}
            scenarios[$machine]=${scenarios[$machine]# }
            unset "current[$machine]"
            ;;
        @stopped)
            alive=$((alive - 1))
            for name in ${scenarios[$machine]}; do
                console "$machine" >>"$logs/$machine/$name.log"
                over "$machine/$name" 1 0
            done
            ;;
        *)
            echo "$line" >>"$logs/$machine/${current[$machine]:-boot}.log"
            ;;
        esac
    done
    running=()
}

while [[ ${1:-} = --* ]]; do
    case $1 in
    --suite)
        suite=${2:-}
        shift 2 || usage
        ;;
    --short)
        runs_in=short
        shift
        ;;
    *) usage ;;
    esac
done
[[ $suite =~ ^[a-z]+$ ]] || usage
fetched=$cache/xen-vm-$suite
whole=no
if [ $# = 0 ]; then
    [ $runs_in = short ] || whole=yes
    mapfile -t every < <(basename -s .sh "$here"/scenarios/*.sh)
    set -- "${every[@]}"
fi
for name; do
    [ -e "$here/scenarios/$name.sh" ] || usage
    for machine in $(boots_of "$name"); do
        scenarios[$machine]+="${scenarios[$machine]:+ }$name"
    done
done
"$repo/test/deps.sh" build xen
begin "build/check-xen/$suite"
for machine in "${!scenarios[@]}"; do
    mkdir "$logs/$machine"
done
step build make -s -j2 CC=gcc DEVELOPER=1 all build/test/rig/{toolstack,flood} || closing
[ $whole = no ] || step fetch-fails "$here/fetch-fails.sh" || true
step fetch "$here/fetch.sh" "$suite" || closing
step image "$here/image.sh" "$fetched" "$repo/build/xen/$suite" || closing
trap '[ ${#running[@]} = 0 ] || kill "${!running[@]}"' EXIT # no machine outlives this
mkfifo "$logs/said"
exec 3<>"$logs/said"
listen
closing
