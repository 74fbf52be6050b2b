#!/bin/bash
# SPDX-License-Identifier: MIT
# Every test:   check.sh [PART|TEST]...
#
#   unit golden integration   with the normal build
#   sanitize                  unit and golden again, and integration where these do not come, with the address and the
#                             undefined behaviour sanitizer, in workers, too
#   threads                   what has threads, with the thread sanitizer: xenrecon-blk's pool, and what is drawn on a terminal
#   valgrind                  what was read before it was written, which the address sanitizer does not see
#   sim                       the engine in simulated worlds: every schedule of small ones, SIM_RANDOM (10000) others
#   fuzz                      what the fuzz targets failed on once, their corpora, and FUZZ_SECONDS (3) of what comes to
#                             libFuzzer's mind
#   clang                     clang builds everything without a warning
#   portable                  every source compiles with musl, and what an older glibc lacks is done without it
#   instructions              no more of them than before for what xenrecon does most
#   install                   what `make install` installs is complete and works
#   deploy                    as a service of systemd, in a machine of its own; and its files, by the tools that judge them
#   quick                     unit, golden, and five of integration: as any user, within two minutes of CPU
#
# A TEST is named as in what this prints: unit/test_decide, integration/10-attach, sanitize/golden. What it needs is
# installed and built, and nothing else. Logs are kept in build/check. See lib/jobs.sh and lib/testlib.sh for the environment.
# shellcheck source=test/lib/jobs.sh
# shellcheck disable=SC2317  # jobs are called by their names
. "$(dirname "$0")/lib/jobs.sh"
parts=(unit golden integration sim sanitize threads valgrind fuzz clang portable instructions install deploy)
# The main ways of a device, and who restarts and reloads
quick=(10-attach 11-cycle 13-detach 42-restart 45-reload)
# With valgrind, which is slow: a device's whole life, and a controller that goes on where another ended.
under_valgrind=(11-cycle 42-restart)
# Nothing else has any: not the daemon, no unit test
with_threads=(64-block-kill 77-progress 63-block 65-block-hostile)
# Beyond unit, golden, sim and fuzz, these come to 2985 of the 3002 lines that all of integration comes to: xenrecon-blk,
# xenrecon-dm, and in xenrecon what talks with people and processes. A line that is new may need another.
under_sanitizers=(13-detach 40-burst 61-null-device-model 63-block 64-block-kill 65-block-hostile 66-hostile-guest 71-notify
    71-status 75-logs 76-local 76-one-voice 77-progress 78-domains 79-mistakes 82-fleet 86-hotplug 90-chaos 91-faults)

usage() {
    sed -n '3,21s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

asked=()
for word; do
    case $word in
    quick) asked+=(unit golden "${quick[@]/#/integration/}") ;;
    *) asked+=("$word") ;;
    esac
done
[ $# -gt 0 ] || asked=("${parts[@]}")

# is_asked NAME: the job itself, or what it is a part of
declare -A found=() # which words are any job's
is_asked() {
    local word
    for word in "${asked[@]}"; do
        if [[ $1/ = "$word"/* ]]; then
            found[$word]=yes
            return 0
        fi
    done
    return 1
}

# ---- what they need

declare -A groups=()  # of deps.sh, whose names are those of the parts
declare -A targets=() # of make, by the folder of the build
sanitized="build-address-undefined"
threaded="build-clang-thread" # gcc's takes fences for an error

# build NAME FOLDER OPTION...: what is needed of it
build() {
    local wanted
    read -r -a wanted <<<"${targets[$2]:-}"
    [ ${#wanted[@]} = 0 ] || step "$1" make -s -j"$(nproc)" CC=gcc DEVELOPER=1 "${@:3}" "${wanted[@]}" || closing
}

builds() {
    build build build
    # Half as long to compile as with -O2, where gcc warns of other things than are wrong
    build sanitize/build $sanitized SANITIZE=address,undefined CFLAGS="-O1 -g" DEVELOPER=
    build threads/build $threaded CC=clang SANITIZE=thread
    build fuzz/build build-fuzz
}

# ---- tests

# check_job NAME BUILD TARGETS COMMAND...: a job, if it was asked for. BUILD may be empty.
check_job() {
    is_asked "$1" || return 0
    groups[${1%%/*}]=yes
    [ -z "$2" ] || targets[$2]+=" $3"
    job "$1" "${@:4}"
}

# units PREFIX BUILD
units() {
    local test
    for test in test/unit/test_*.c test/unit/ctl_*.c; do
        test=${test%.c}
        check_job "$1${test#test/}" "$2" "$2/$test" "$2/$test"
    done
}

golden() {
    check_job "$1golden" "$2" "all rig" bash test/golden/run.sh
}

# integration PREFIX BUILD NAME...: within what the tests are run
within=()
integration() {
    local name
    for name in "${@:3}"; do
        check_job "$1integration/$name" "$2" "all rig" "${within[@]}" bash "test/integration/$name.sh"
        [ "$name" != 74-html ] || ! is_asked "$1integration/$name" || groups[browser]=yes
    done
}

# Sanitizers and valgrind write to files, lest a report is lost with a program whose words nobody reads.
show_reports() {
    local file status=0
    for file in "$logs/$1report".*; do
        [ -s "$file" ] || continue
        cat "$file"
        status=1
    done
    return "$status"
}

# reports PREFIX: a job that fails when there is one, if any of that name was asked for
reports() {
    [[ " ${planned[*]}" = *" $1"* ]] || return 0
    barrier
    job "$1reports" show_reports "$1"
    barrier
}

with_normal_build() {
    local every
    mapfile -t every < <(basename -s .sh test/integration/*.sh)
    units "" build
    golden "" build
    integration "" build "${every[@]}"
    check_job sim build sim-program test/sim/run.sh
}

with_valgrind() {
    XENRECON="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible"
    XENRECON+=" --log-file=$logs/valgrind/report.%p $repo/build/xenrecon"
    export XENRECON
    integration valgrind/ build "${under_valgrind[@]}"
    reports valgrind/
    unset XENRECON
}

with_sanitizers() {
    # The status is one that no test expects
    export ASAN_OPTIONS=detect_leaks=1:exitcode=99:log_path=$logs/sanitize/report
    export UBSAN_OPTIONS=print_stacktrace=1:exitcode=99:log_path=$logs/sanitize/report
    # Those of workers, too: xenrecon-blk without its jail, in which no file is opened any more to report to
    export XENRECON=$repo/$sanitized/xenrecon RIG_BUILD=$repo/$sanitized
    units sanitize/ $sanitized
    golden sanitize/ $sanitized
    integration sanitize/ $sanitized "${under_sanitizers[@]}"
    # Long schedules only, whose heap is the real one: a search keeps its own, into which sanitizers do not see
    check_job sanitize/sim $sanitized sim-program \
        $sanitized/test/sim/sim --random "${SIM_SANITIZED:-500}" --seed "${SIM_SEED:-1}"
    reports sanitize/
    unset ASAN_OPTIONS UBSAN_OPTIONS XENRECON RIG_BUILD
}

with_thread_sanitizer() {
    # It cannot do with more bits of address randomization than there were when it was made
    ! setarch --addr-no-randomize true 2>/dev/null || within=(setarch --addr-no-randomize)
    export TSAN_OPTIONS=exitcode=99:log_path=$logs/threads/report XENRECON=$repo/$threaded/xenrecon
    # So slow that hundreds of kills would fall into as many writes as elsewhere
    export WRITES=${WRITES:-3000}
    # The rig is that of the normal build
    [ -z "${targets[$threaded]:-}" ] || targets[build]+=" rig"
    integration threads/ $threaded "${with_threads[@]}"
    reports threads/
    unset TSAN_OPTIONS XENRECON WRITES
    within=()
}

others() {
    local test
    for test in test/fuzz/fuzz_*.c; do
        test=$(basename -s .c "$test")
        check_job "fuzz/$test" build-fuzz fuzz-programs test/fuzz/run.sh --seconds "${FUZZ_SECONDS:-3}" "${test#fuzz_}"
    done
    check_job clang "" "" make -s -j"$(nproc)" CC=clang CFLAGS=-O0 DEVELOPER=1 all rig tests
    check_job portable/musl "" "" test/musl.sh build/musl
    for test in ctl_workers ctl_hotplug_scripts; do
        check_job "portable/$test" build "build/old-libc/$test" "build/old-libc/$test"
    done
    check_job instructions build "all benches" bash test/bench/instructions.sh
    check_job install build all test/install.sh "$logs/install"
    for test in test/deploy/*.sh; do
        [[ $test = */machine.sh ]] || check_job "deploy/$(basename -s .sh "$test")" build "all rig" bash "$test"
    done
}

tests() {
    with_normal_build
    barrier
    with_valgrind
    with_sanitizers
    with_thread_sanitizer
    others
    barrier
}

plan tests
plan builds
for word in "${asked[@]}"; do
    [ -n "${found[$word]:-}" ] || {
        echo "check.sh: there is no test $word" >&2
        usage
    }
done
test/deps.sh "${!groups[@]}"
begin build/check
mkdir "$logs/sanitize" "$logs/threads" "$logs/valgrind"
announce
builds
tests
sed -n 's/^ok  /    /p' "$logs"/fuzz/fuzz_*.log 2>/dev/null || true # the figures
closing
