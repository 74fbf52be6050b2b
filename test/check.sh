#!/bin/bash
# SPDX-License-Identifier: MIT
# Every test:   check.sh [PART]...
#
#   unit golden integration   with the normal build
#   sanitize                  these three again, with the address and the undefined behaviour sanitizer, in workers, too
#   threads                   what has threads, with the thread sanitizer: xenrecon-blk's pool, and what is drawn on a terminal
#   valgrind                  leaks, in the integration tests that go through a device's whole life
#   sim                       the engine in simulated worlds: every schedule of small ones, SIM_SECONDS (10) of others
#   fuzz                      what the fuzz targets failed on once, their corpora, and FUZZ_SECONDS (3) of what comes to
#                             libFuzzer's mind
#   clang                     clang builds everything without a warning
#   instructions              no more of them than before for what xenrecon does most
#   install                   what `make install` installs is complete and works
#   deploy                    as a service of systemd, in a machine of its own; and its files, by the tools that judge them
#
# Builds what it needs. Logs are kept in build/check. See lib/jobs.sh and lib/testlib.sh for the environment.
# shellcheck source=test/lib/jobs.sh
# shellcheck disable=SC2317  # jobs are called by their names
. "$(dirname "$0")/lib/jobs.sh"
# With valgrind, which is slow: one test for each way through the engine.
under_valgrind=(10-attach 11-cycle 13-detach 15-recreate 21-owners 42-restart 45-reload 46-store-lost)
# Nothing else has any: not the daemon, no unit test
with_threads=(64-block-kill 77-progress 63-block 65-block-hostile)

[ $# -gt 0 ] || set -- unit golden integration sim sanitize threads valgrind fuzz clang instructions install deploy
for part; do
    case $part in
    unit | golden | integration | sim | sanitize | threads | valgrind | fuzz | clang | instructions | install | deploy) ;;
    *)
        sed -n '3,16s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
    esac
done

parts=" $* "
# wanted PART...: one of these
wanted() {
    local part
    for part; do
        [[ $parts != *" $part "* ]] || return 0
    done
    return 1
}

# units PREFIX BUILD
units() {
    local test
    for test in test/unit/test_*.c test/unit/ctl_*.c; do
        test=${test%.c}
        job "$1${test#test/}" "$2/$test"
    done
}

golden() {
    job "$1golden" bash test/golden/run.sh
}

# integration PREFIX NAME...: within what the tests are run
within=()
integration() {
    local prefix=$1 name
    shift
    for name; do
        job "${prefix}integration/$name" "${within[@]}" bash "test/integration/$name.sh"
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

# reports PREFIX: a job that fails when there is one
reports() {
    barrier
    job "$1reports" show_reports "$1"
    barrier
}

begin build/check
mkdir "$logs/sanitize" "$logs/threads" "$logs/valgrind"
mapfile -t every < <(basename -s .sh test/integration/*.sh)

# ---- build

build=(make -s -j"$(nproc)" CC=gcc DEVELOPER=1)
sanitized="build-address-undefined"
threaded="build-clang-thread" # gcc's takes fences for an error
if wanted unit golden integration sim sanitize threads valgrind instructions deploy; then
    step build "${build[@]}" all rig tests benches sim-program || closing
fi
if wanted sanitize; then
    step sanitize/build "${build[@]}" SANITIZE=address,undefined all rig tests sim-program || closing
fi
if wanted threads; then
    step threads/build "${build[@]}" CC=clang SANITIZE=thread all || closing
fi
if wanted fuzz; then
    step fuzz/build "${build[@]}" fuzz-programs || closing
fi
if wanted clang; then
    step clang/build "${build[@]}" CC=clang all rig tests || true
fi

# ---- test

if wanted unit; then
    units "" build
fi
if wanted golden; then
    golden ""
fi
if wanted integration; then
    integration "" "${every[@]}"
fi
if wanted sim; then
    job sim test/sim/run.sh
fi
if wanted valgrind; then
    barrier
    XENRECON="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible"
    XENRECON+=" --log-file=$logs/valgrind/report.%p $repo/build/xenrecon"
    export XENRECON AWAIT_MS=60000
    integration valgrind/ "${under_valgrind[@]}"
    reports valgrind/
    unset XENRECON AWAIT_MS
fi
if wanted sanitize; then
    barrier
    # The status is one that no test expects
    export ASAN_OPTIONS=detect_leaks=1:exitcode=99:log_path=$logs/sanitize/report
    export UBSAN_OPTIONS=print_stacktrace=1:exitcode=99:log_path=$logs/sanitize/report
    # Those of workers, too: xenrecon-blk without its jail, in which no file is opened any more to report to
    export XENRECON=$repo/$sanitized/xenrecon RIG_BUILD=$repo/$sanitized AWAIT_MS=30000 CK_TIMEOUT_MULTIPLIER=5
    units sanitize/ $sanitized
    golden sanitize/
    integration sanitize/ "${every[@]}"
    # Long schedules only, whose heap is the real one: a search keeps its own, into which sanitizers do not see
    job sanitize/sim "$sanitized/test/sim/sim" --random "${SIM_SANITIZED_SECONDS:-5}" --seed "${SIM_SEED:-1}"
    reports sanitize/
    unset ASAN_OPTIONS UBSAN_OPTIONS XENRECON RIG_BUILD AWAIT_MS CK_TIMEOUT_MULTIPLIER
fi
if wanted threads; then
    barrier
    # It cannot do with more bits of address randomization than there were when it was made
    ! setarch --addr-no-randomize true 2>/dev/null || within=(setarch --addr-no-randomize)
    export TSAN_OPTIONS=exitcode=99:log_path=$logs/threads/report
    export XENRECON=$repo/$threaded/xenrecon AWAIT_MS=30000 WRITES=20000
    integration threads/ "${with_threads[@]}"
    reports threads/
    unset TSAN_OPTIONS XENRECON AWAIT_MS WRITES
    within=()
fi
if wanted fuzz; then
    for target in test/fuzz/fuzz_*.c; do
        target=$(basename -s .c "$target")
        job "fuzz/$target" test/fuzz/run.sh --seconds "${FUZZ_SECONDS:-3}" "${target#fuzz_}"
    done
    barrier
    sed -n 's/^ok  /    /p' "$logs"/fuzz/fuzz_*.log # the figures
fi
if wanted instructions; then
    job instructions bash test/bench/instructions.sh
fi
if wanted install; then
    job install test/install.sh "$logs/install"
fi
if wanted deploy; then
    for test in test/deploy/*.sh; do
        [[ $test = */machine.sh ]] || job "deploy/$(basename -s .sh "$test")" bash "$test"
    done
fi
closing
