# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For check.sh and lint.sh, which source this first: runs jobs beside each other, keeps what each says, shows it when the
# job fails, and counts.
#
# Read from the environment:
#   JOBS   how many at once (as many as there are processors, but 2 to 4)
#   LIMIT  how many seconds one may take (300)
set -eu -o pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$repo"
# What the caller of make asked for is not for the builds in here, which know what they want
unset MAKEFLAGS MFLAGS MAKELEVEL DEVELOPER SANITIZE B

at_once=$(nproc)
[ "$at_once" -ge 2 ] || at_once=2
[ "$at_once" -le 4 ] || at_once=4
at_once=${JOBS:-$at_once}
limit=${LIMIT:-300}
logs=
passed=0
failed=()
declare -A running=() since=() # by process id: the job's name, and when it began

# begin FOLDER: keeps the logs there
begin() {
    logs=$repo/$1
    rm -rf "$logs"
    mkdir -p "$logs"
}

# Milliseconds.
now() {
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

seconds() {
    printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# What libcheck and the integration tests say of the checks that they made.
checks_in() {
    awk '/^[0-9]+%: Checks: / { n += $3 } /^PASS / { n++ } END { if (n) printf "  (%d check%s)", n, (n > 1 ? "s" : "") }' "$1"
}

# over NAME STATUS MILLISECONDS
over() {
    local log=$logs/$1.log
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
        printf 'ok    %6s s  %s%s\n' "$(seconds "$3")" "$1" "$(checks_in "$log")"
    else
        failed+=("$1")
        printf 'FAIL  %6s s  %s: %s\n' "$(seconds "$3")" "$1" "$([ "$2" = 124 ] && echo "not done after $limit s" || echo "status $2")"
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

# limited COMMAND...: a program in a process group of its own, with the limit; a function as it is. `wait -n` would miss
# a child that a signal killed, but not this one.
limited() {
    local status=0
    if [ "$(type -t "$1")" = function ]; then
        "$@"
        exit
    fi
    timeout --kill-after=20 "$limit" "$@" &
    # shellcheck disable=SC2064  # $! of now
    trap "kill $!; wait $!" TERM
    wait $! || status=$?
    exit $status
}

# job NAME COMMAND...: starts it, when its turn comes
job() {
    local name=$1
    shift
    while [ ${#running[@]} -ge "$at_once" ]; do
        reap
    done
    mkdir -p "$(dirname "$logs/$name")"
    limited "$@" </dev/null >"$logs/$name.log" 2>&1 &
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
    echo
    echo "$((passed + ${#failed[@]})) jobs in $SECONDS s"
    [ ${#failed[@]} = 0 ] || printf 'failed: %s\n' "${failed[@]}"
    echo "$passed passed, ${#failed[@]} failed"
    [ ${#failed[@]} = 0 ] || exit 1
    exit 0
}
