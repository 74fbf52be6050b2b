# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For integration tests and the demo, which source this first: a private store of their own in $dir, and everything
# that they start ended, and $dir removed, when they exit. The status is 1 if anything failed, and a command that fails
# unexpectedly ends the test.
#
# Read from the environment:
#   XENRECON   the program, with words before it if you like: "valgrind -q build/xenrecon"
#   RIG_BUILD  where the rig was built (build)
#   TRACE=off  no trace of the store, which takes about as long as its work does
#   AWAIT_MS   how long to wait for what should happen (60000): it is only waited for so long when it does not
#   XR_TMP     where $dir is made (/tmp), a short path
#   KEEP=1     leave $dir
# shellcheck disable=SC2034,SC2119,SC2120  # variables and arguments for those who source this
set -eEu
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=test/lib/python.sh
. "$repo/test/lib/python.sh"
read -r -a xenrecon <<<"${XENRECON:-$repo/build/xenrecon}"
AWAIT_MS=${AWAIT_MS:-60000}
dir=$(mktemp -d "${XR_TMP:-/tmp}/xr.XXXXXX")
failures=0
rings=() # of domains, their processes
xenrecon_pid=
xenrecon_connection= # its name in the trace

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

# exits NAME STATUS COMMAND...: so does the command; what it says is shown where it does not
exits() {
    local name=$1 want=$2 got=0
    shift 2
    "$@" >"$dir/out" 2>&1 || got=$?
    [ "$got" = "$want" ] || cat "$dir/out"
    check "$name" "$got" "$want"
}

# ---- time. A machine may be busy with other things, and is no reason to fail.

# Milliseconds.
now_ms() {
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# becomes_true COMMAND...: waits until it does; says nothing
becomes_true() {
    local end=$(($(now_ms) + AWAIT_MS))
    until "$@"; do
        [ "$(now_ms)" -lt $end ] || return 1
        sleep 0.02
    done
}

# How many milliseconds `at once` is at the moment: a second, or as long as it takes to start 300 programs.
soon_ms() {
    local begun took _
    begun=$(now_ms)
    for _ in {1..20}; do
        env true
    done
    took=$((($(now_ms) - begun) * 15))
    echo $((took > 1000 ? took : 1000))
}

# at_once NAME MS: so long did it take
at_once() {
    local soon
    soon=$(soon_ms)
    check "$1" "$([ "$2" -lt "$soon" ] && echo yes || echo "$2 ms, not $soon")" yes
}

# ---- the store

start_store() {
    local options=() exports
    [ "${TRACE:-on}" = off ] || options=(--trace-file "$dir/trace")
    exports=$("$repo/test/rig/store.sh" start "$dir" "${options[@]}" "$@")
    eval "$exports"
}

stop_store() {
    "$repo/test/rig/store.sh" stop "$dir"
}

state_of() {
    xenstore-read "$1/state" 2>/dev/null || echo absent
}

# await PATH VALUE [PATH VALUE]...: until all hold at once, or fail
await() {
    toolstack wait "$@" --timeout-ms "$AWAIT_MS" || fail "waited in vain for $*"
}

# reach NAME PATH VALUE [PATH VALUE]...: the same as a check of its own
reach() {
    local name=$1
    shift
    if toolstack wait "$@" --timeout-ms "$AWAIT_MS"; then
        pass "$name"
    else
        fail "$name"
    fi
}

# ---- domains, for tests that want more of one than a number

# start_domain DOMID [PAGES [grants]]: with memory, a ring to the store, and the nodes that libxl makes for every domain
start_domain() {
    local log=$dir/dom$1.log
    rigctl create "$@"
    toolstack domain-create "$1"
    rm -f "$dir/dom$1.socket" # of a store before this one
    ring "$1" </dev/null >"$log" 2>&1 &
    rings[$1]=$!
    until [ -S "$dir/dom$1.socket" ]; do
        kill -0 "${rings[$1]}" 2>/dev/null || {
            cat "$log"
            fail "domain $1 does not start"
            exit 1
        }
        sleep 0.01
    done
}

# stop_domain DOMID: as `xl destroy` and a crash end: the nodes that the domain owns go without an event, and what
# @releaseDomain says comes after that. What the toolstack would clean up is still there.
stop_domain() {
    kill -KILL "${rings[$1]}"
    wait "${rings[$1]}" 2>/dev/null || true
    unset "rings[$1]"
    rigctl destroy "$1"
}

# as_domain DOMID COMMAND...: one of the domain's programs; COMMAND may be a function
as_domain() {
    local domid=$1
    shift
    RIG_DOMID=$domid XENSTORED_PATH=$dir/dom$domid.socket "$@"
}

# ---- the store's own trace of its messages

# Where the trace ends now.
trace_mark() {
    stat -c %s "$dir/trace"
}

# trace_awk PROGRAM [OPTION...]: runs awk's program over all of the trace. Its lines are those that any xenstored writes, in
# one form: `CREATE connection CONNECTION`, and messages as `IN CONNECTION DATE TIME TYPE (arguments...)`, or OUT when the
# last byte of one has left. `at` is where in the file the line begins.
trace_awk() {
    local program=$1
    shift
    LC_ALL=C awk "$@" '
        { at = end; end += length($0) + 1 }
        /^(io|obj): / { # from 4.18 on
            sub(/^[a-z]+: /, "")
            if (/^OUT\((START|ERR)\) /)
                next
            sub(/^OUT\(END\)/, "OUT")
            if ($1 ~ /^(IN|OUT)$/ && $3 ~ /^\(d[0-9]+\)$/)
                sub(/ \(d[0-9]+\)/, "")
        }'"$program" "$dir/trace"
}

# The requests between two marks, each with its connection before it. xenstored gives a new connection the address of one
# that was closed, so the n-th of an address is named address#n. Further lines of values that have several are left out.
trace_lines() {
    trace_awk '
        at >= to { exit }
        $1 == "CREATE" && $2 == "connection" { n[$3]++ }
        $1 == "IN" && $2 ~ /^0x/ && at >= from { print $2 "#" n[$2], substr($0, index($0, $5)) }' -v from="$1" -v to="$2"
}

# trace_between FROM TO [CONNECTION]: `TYPE (arguments...)`, of everybody or of one connection
trace_between() {
    trace_lines "$1" "$2" | sed -n "s/^${3:-[^ ]*} //p"
}

# trace_since FROM [CONNECTION]
trace_since() {
    trace_between "$1" "$(trace_mark)" "${2:-}"
}

# requests_between FROM TO [CONNECTION]: how many
requests_between() {
    trace_between "$@" | wc -l
}

# connection_of FROM REQUEST: the last that made such a request after FROM; REQUEST is how it begins, `WATCH (backend`
connection_of() {
    trace_lines "$1" "$(trace_mark)" | awk -v request="$2" 'index($0, " " request) == index($0, " ") { last = $1 } END { print last }'
}

# Whether anybody of this test's has work to do, and only lacks a processor: the store, xenrecon, workers, domains.
at_work() {
    local pid stat
    for pid in "${rings[@]}"; do
        { stat=$(<"/proc/$pid/stat"); } 2>/dev/null || continue
        [[ ${stat##*) } != [RD]* ]] || return 0
    done
    pgrep -r R,D -f "$dir/" >/dev/null
}

# await_quiet [MS]: until nobody has said anything to the store for so long, and nobody is about to
await_quiet() {
    local quiet=${1:-300} end pause before=
    end=$(($(now_ms) + AWAIT_MS))
    printf -v pause '%d.%03d' $((quiet / 1000)) $((quiet % 1000))
    while [ "$before" != "$(trace_mark)" ]; do
        [ "$(now_ms)" -lt $end ] || {
            fail "the store never came to rest"
            return 0
        }
        before=$(trace_mark)
        sleep "$pause"
        ! at_work || before= # what they say may come in a while
    done
}

# ---- xenrecon

# start_xenrecon [ARGUMENT...]: until it says that it is ready, in $dir/xenrecon.log
start_xenrecon() {
    local said=0 mark=0
    [ ! -e "$dir/xenrecon.log" ] || said=$(stat -c %s "$dir/xenrecon.log")
    [ ! -e "$dir/trace" ] || mark=$(trace_mark)
    "${xenrecon[@]}" run --runtime-dir "$dir/run" "$@" </dev/null >>"$dir/xenrecon.log" 2>&1 &
    xenrecon_pid=$!
    local end=$((SECONDS + AWAIT_MS / 1000))
    until tail -c +$((said + 1)) "$dir/xenrecon.log" 2>/dev/null | grep -qw ready; do
        if [ $SECONDS -gt $end ] || ! kill -0 $xenrecon_pid 2>/dev/null; then
            fail "xenrecon did not become ready"
            exit 1
        fi
        sleep 0.02
    done
    [ ! -e "$dir/trace" ] || xenrecon_connection=$(connection_of "$mark" "WATCH (")
}

# As an administrator does it; fails unless it exits with 0.
stop_xenrecon() {
    local status=0 pid=$xenrecon_pid end=$((SECONDS + AWAIT_MS / 1000))
    [ -n "$pid" ] || return 0
    xenrecon_pid=
    kill -TERM "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        [ $SECONDS -le $end ] || kill -KILL "$pid"
        sleep 0.02
    done
    wait "$pid" || status=$?
    [ $status = 0 ] || fail "xenrecon exited with status $status"
}

# As a crash does it.
kill_xenrecon() {
    kill -KILL "$xenrecon_pid"
    wait "$xenrecon_pid" 2>/dev/null || true
    xenrecon_pid=
}

# ---- the end

finish() {
    local status=$? pids
    trap - EXIT ERR
    trap '' INT TERM # who is told twice to end still cleans up
    set +e
    stop_xenrecon
    [ $failures = 0 ] || status=1
    if [ $status != 0 ] && [ -s "$dir/xenrecon.log" ]; then
        echo "--- the end of xenrecon's log:"
        tail -n 30 "$dir/xenrecon.log"
    fi
    if [ ${#rings[@]} != 0 ]; then # also one that is stopped
        { kill -KILL "${rings[@]}" && wait "${rings[@]}"; } 2>/dev/null
    fi
    mapfile -t pids < <(jobs -p)
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
    stop_store
    pkill -KILL -f "$dir/" # workers, which outlive everybody
    wait
    if [ -n "${KEEP:-}" ]; then
        echo "kept $dir"
    else
        rm -rf "$dir"
    fi
    exit $status
}

trap finish EXIT
trap 'exit 130' INT TERM
trap 'fail "${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
start_store
