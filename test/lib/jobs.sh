# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For check.sh and lint.sh, which source this first: runs jobs beside each other, keeps what each says, shows it when the
# job fails, and counts. Who plans the jobs first says how long they will take, and then how far they are.
#
# Read from the environment:
#   JOBS   how many at once (half as many again as there are processors, since many of them wait; 3 to 6)
#   LIMIT  how many seconds one may take (1800): it is there to end what hangs, and far from what a busy machine takes
set -eu -o pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=test/lib/python.sh
. "$repo/test/lib/python.sh"
cd "$repo"
# What the caller of make asked for is not for the builds in here, which know what they want
unset MAKEFLAGS MFLAGS MAKELEVEL DEVELOPER SANITIZE B

at_once=$(($(nproc) * 3 / 2))
[ "$at_once" -ge 3 ] || at_once=3
[ "$at_once" -le 6 ] || at_once=6
at_once=${JOBS:-$at_once}
limit=${LIMIT:-1800}
logs=
runner=$repo/build/job # lib/job.c
passed=0
failed=()
declare -A running=() since=() # by process id: the job's name, and when it began
cpu_used=0                     # milliseconds

# What each job took when it last ran: its name, milliseconds, and milliseconds of CPU. The first file is for a clone that
# has not run any yet.
costs=(test/lib/costs build/costs)
declare -A takes=() takes_cpu=()
unknown=3000     # milliseconds, for one that is in neither
planning=        # while jobs are only counted
planned=()       # their names
ahead=0 behind=0 # milliseconds that the jobs will take that have not ended, and those that have
begun=0          # when

# begin FOLDER: keeps the logs there
begin() {
    logs=$repo/$1
    rm -rf "$logs"
    mkdir -p "$logs"
    [ "$runner" -nt test/lib/job.c ] || gcc -O1 -D_GNU_SOURCE -o "$runner" test/lib/job.c
}

# Milliseconds.
now() {
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

seconds() {
    printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# For people: 95 s, 12 min
duration() {
    if [ "$1" -lt 100000 ]; then
        echo "$((($1 + 999) / 1000)) s"
    else
        echo "$((($1 + 30000) / 60000)) min"
    fi
}

# ---- how long it takes

# plan COMMAND...: which jobs it would start; none is
plan() {
    planning=yes
    "$@"
    planning=
}

# Says how long what was planned will take.
announce() {
    local name wall cpu all=0 from="by what they took on a machine with two processors"
    [ ! -e "${costs[1]}" ] || from="by what they took last"
    while read -r name wall cpu; do
        takes[$name]=$wall takes_cpu[$name]=$cpu
    done < <(grep -hv '^#' "${costs[@]}" 2>/dev/null || true)
    for name in "${planned[@]}"; do
        ahead=$((ahead + ${takes[$name]:-$unknown}))
        all=$((all + ${takes_cpu[$name]:-$unknown}))
    done
    begun=$(now)
    echo "${#planned[@]} jobs, which will take about $(duration $((ahead / at_once))), and $(duration $all) of CPU, $from"
}

# A job has ended: how far that is, as the beginning of a line. How fast it goes shows after some seconds.
progress() {
    local name=$1 width=${#planned[@]} took=${takes[$1]:-$unknown} left
    [ "$width" != 0 ] || return 0
    ahead=$((ahead - took)) behind=$((behind + took))
    left=$((ahead / at_once))
    [ $behind -lt 20000 ] || left=$((ahead * ($(now) - begun) / behind))
    progress=$(printf '[%*d/%d %6s left]  ' ${#width} $((passed + ${#failed[@]})) "$width" "$(duration $left)")
}

# The file is there for the next run, with what was not run in this one.
learn() {
    [ -s "$logs/costs" ] || return 0
    cat "${costs[1]}" "$logs/costs" 2>/dev/null | awk '{ line[$1] = $0 } END { for (name in line) print line[name] }' |
        sort >"$logs/costs.new" || true
    mv "$logs/costs.new" "${costs[1]}"
}

# ---- jobs

# What libcheck and the integration tests say of the checks that they made.
checks_in() {
    awk '/^[0-9]+%: Checks: / { n += $3 } /^PASS / { n++ } END { if (n) printf "  (%d check%s)", n, (n > 1 ? "s" : "") }' "$1"
}

# over NAME STATUS MILLISECONDS
over() {
    local log=$logs/$1.log cpu=0 took progress=
    took=$(printf '%6s s' "$(seconds "$3")")
    if [ -s "$logs/$1.cpu" ]; then
        cpu=$(cat "$logs/$1.cpu")
        rm "$logs/$1.cpu"
        cpu_used=$((cpu_used + cpu))
        took+=$(printf ' %6s CPU' "$(seconds "$cpu")")
    fi
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
        echo "$1 $3 $cpu" >>"$logs/costs"
        progress "$1"
        echo "${progress}ok    $took  $1$(checks_in "$log")"
    else
        failed+=("$1")
        progress "$1"
        echo "${progress}FAIL  $took  $1: $([ "$2" = 124 ] && echo "not done after $limit s" || echo "status $2")"
        grep -v '^PASS ' "$log" | tail -n 60 | cut -c 1-300 | sed 's/^/    | /'
        echo "    ${log#"$repo"/} has all of it"
    fi
}

# Takes in one job that ended.
reap() {
    local pid status=0 name
    wait -n -p pid "${!running[@]}" || status=$?
    name=${running[$pid]}
    unset "running[$pid]"
    over "$name" $status $(($(now) - since[$pid]))
}

# Waits until all jobs have ended.
barrier() {
    while [ ${#running[@]} -gt 0 ]; do
        reap
    done
}

# limited NAME COMMAND...: a program by the runner; a function as it is. `wait -n` would miss a child that a signal killed,
# but not this one.
limited() {
    local figures=$logs/$1.cpu status=0
    shift
    if [ "$(type -t "$1")" = function ]; then
        "$@"
        exit
    fi
    "$runner" "$limit" "$figures" "$@" &
    # shellcheck disable=SC2064  # $! of now
    trap "kill $!; wait $!" TERM
    wait $! || status=$?
    exit $status
}

# job NAME COMMAND...: starts it, when its turn comes
job() {
    local name=$1
    if [ -n "$planning" ]; then
        planned+=("$name")
        return
    fi
    shift
    while [ ${#running[@]} -ge "$at_once" ]; do
        reap
    done
    mkdir -p "$(dirname "$logs/$name")"
    limited "$name" "$@" </dev/null >"$logs/$name.log" 2>&1 &
    running[$!]=$name
    since[$!]=$(now)
}

# step NAME COMMAND...: alone; its status is the command's
step() {
    local before=${#failed[@]}
    barrier
    job "$@"
    barrier
    [ ${#failed[@]} = "$before" ]
}

interrupted() {
    trap - INT TERM
    [ ${#running[@]} = 0 ] || kill "${!running[@]}" 2>/dev/null
    wait
    exit 130
}
trap interrupted INT TERM

# Exits; the last line is the closing line and nothing else.
closing() {
    barrier
    learn
    echo
    echo "$((passed + ${#failed[@]})) jobs in $SECONDS s, $((cpu_used / 1000)) s of CPU"
    [ ${#failed[@]} = 0 ] || printf 'failed: %s\n' "${failed[@]}"
    echo "$passed passed, ${#failed[@]} failed"
    [ ${#failed[@]} = 0 ] || exit 1
    exit 0
}
