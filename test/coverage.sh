#!/bin/bash
# SPDX-License-Identifier: MIT
# How much of schemas/ and reconcilers/ the tests run:   coverage.sh
#
# Unit tests, golden cases, the simulation's short form and the fuzz targets' corpora, in a build of their own; then lines
# and branches of each file, and those that were never reached. Without any the status is 0. What cannot be reached says so
# where it stands, with its reason: GCOVR_EXCL_LINE, GCOVR_EXCL_BR_LINE. Branches of assert() are none, nor those of switch:
# one of them is for values that there are not, and what the others lead to is counted as lines.
#
# reconcilers/block is only counted: the integration tests with disks are run for it, without the jail, in which a program
# cannot write down what it has counted. Logs are kept in build/coverage, and a page to look at.
# shellcheck source=test/lib/jobs.sh
. "$(dirname "$0")/lib/jobs.sh"
build="build-coverage"

shopt -s nullglob
begin build/coverage
step build make -s -j"$(nproc)" CC=gcc B=$build CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage all rig tests sim-program \
    fuzz-replays || closing
find $build -name '*.gcda' -delete

export XENRECON=$repo/$build/xenrecon RIG_BUILD=$repo/$build
for test in test/unit/test_*.c test/unit/ctl_*.c; do
    test=${test%.c}
    job "${test#test/}" "$build/$test"
done
job golden bash test/golden/run.sh
job sim env SIM="$build/test/sim/sim" test/sim/run.sh
for target in "$build"/test/fuzz/replay_*; do
    name=${target##*/replay_}
    inputs=("test/fuzz/corpus/$name"/* "test/fuzz/cases/$name"/*)
    case $name in
    policy) inputs+=(deploy/policies/*.yaml test/golden/*/*.yaml) ;;
    dump | plan) inputs+=(test/golden/*/store) ;;
    esac
    job "fuzz/$name" "$target" "${inputs[@]}"
done
for test in test/integration/6[345]-block*.sh; do
    job "integration/$(basename -s .sh "$test")" env NO_JAIL=1 bash "$test"
done
barrier

echo
gcovr --root . --object-directory $build --filter 'schemas/' --filter 'reconcilers/' --exclude-unreachable-branches \
    --exclude-branches-by-pattern '\s*(assert|switch) ?\(.*' --html-details "$logs/page.html" --json "$logs/json" --gcov-ignore-parse-errors \
    $build/schemas $build/reconcilers >"$logs/gcovr.log" 2>&1 ||
    failed+=("gcovr")
test/lib/coverage.py "$logs/json" schemas reconcilers || failed+=("lines or branches that no test reaches")
test/lib/coverage.py --table "$logs/json" reconcilers/block
closing
