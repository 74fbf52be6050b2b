#!/bin/bash
# SPDX-License-Identifier: MIT
# Feeds the programs here with what nobody would write:   run.sh [--seconds N] [--merge] [TARGET]...
#
# A TARGET is a fuzz_TARGET.c; without one, all are run. Each is given
#
#   cases/TARGET/*     inputs that it once failed on, by name
#   corpus/TARGET/*    inputs that show different things, and the fixtures of other tests
#
# and then, for N seconds (10; 0: not at all), what libFuzzer makes of these. A new failure is put into build-fuzz/found,
# and how to see it again is printed. --merge keeps in corpus/ as few as show all that was found, and the fixtures do not.
# Builds what it needs.
set -eu -o pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$repo"
here=test/fuzz
seconds=10
merge=
targets=()
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        seconds=${2:?how many seconds}
        shift
        ;;
    --merge) merge=yes ;;
    -*)
        sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
    *) targets+=("${1#fuzz_}") ;;
    esac
    shift
done
if [ ${#targets[@]} = 0 ]; then
    mapfile -t targets < <(basename -s .c "$here"/fuzz_*.c | sed 's/^fuzz_//')
fi
for target in "${targets[@]}"; do
    [ -e "$here/fuzz_$target.c" ] || {
        echo "run.sh: there is no $here/fuzz_$target.c" >&2
        exit 64
    }
done
make -s -j"$(nproc)" fuzz-programs
work=$(mktemp -d "${TMPDIR:-/tmp}/fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
export UBSAN_OPTIONS=print_stacktrace=1:allow_addr2line=1 ASAN_OPTIONS=allow_addr2line=1

# The fixtures that a target's input may be.
fixtures() {
    case $1 in
    policy) echo deploy/policies/*.yaml test/golden/*/*.yaml ;;
    dump) echo test/golden/*/{store,dump} ;;
    plan) echo test/golden/*/store ;;
    esac
}

# Sets `options`: limits that are far beyond what a sound program needs.
set_options() {
    local longest
    options=(-timeout=30 -rss_limit_mb=1500 -print_final_stats=1)
    case $1 in
    expression | printable | values) longest=512 ;;
    *) longest=24000 ;;
    esac
    options+=("-max_len=$longest")
    [ ! -e "$here/$1.dict" ] || options+=("-dict=$here/$1.dict")
}

# files FOLDER: how many are in it
files() {
    find "$1" -type f | wc -l
}

# failed TARGET LOG
failed() {
    local program=build-fuzz/test/fuzz/fuzz_$1 input
    # without the progress, the memory around the place, and the machinery's own frames
    sed -e '/^#[0-9]/d; /^INFO: /d; /^stat::/d; /NEW_FUNC/d; / in fuzzer::/d; /^Shadow bytes/,/ABORTING$/d; /^0x/d' "$2" |
        tail -n 60
    echo "FAIL  $1"
    input=$(sed -n 's/.*Test unit written to //p' "$2" | tail -n 1)
    [ -n "$input" ] || input=$(sed -n 's/^Running: //p' "$2" | tail -n 1)
    [ -n "$input" ] || return 0
    echo "    again:    make fuzz-programs && $program $input"
    echo "    smaller:  $program -minimize_crash=1 -runs=100000 $input"
    echo "    for good: mkdir -p $here/cases/$1 && cp $input $here/cases/$1/NAME"
}

# merged TARGET: from what is in $work/TARGET
merged() {
    local dir=$work/$1 program=build-fuzz/test/fuzz/fuzz_$1 options
    set_options "$1"
    rm -rf "$dir/kept"
    find "$dir/new" "$dir/corpus" -type f -size +4k -delete # what is long shows little more
    cp -r "$dir/fixtures" "$dir/kept"
    "$program" "${options[@]}" -set_cover_merge=1 -use_counters=0 "$dir/kept" "$dir/corpus" "$dir/new" >"$dir/merge.log" 2>&1 || {
        failed "$1" "$dir/merge.log"
        return 1
    }
    (cd "$dir/fixtures" && find . -type f -exec rm -f "$dir/kept/{}" ';')
    rm -rf "${here:?}/corpus/$1"
    mkdir -p "$here/corpus/$1"
    find "$dir/kept" -type f -exec cp {} "$here/corpus/$1/" ';'
    echo "      $1: $(files "$here/corpus/$1") inputs kept, $(du -bs "$here/corpus/$1" | cut -f 1) bytes"
}

# run TARGET
run() {
    local target=$1 dir=$work/$1 program=build-fuzz/test/fuzz/fuzz_$1 options cases file runs=0 features
    set_options "$target"
    mkdir -p "$dir"/{new,corpus,fixtures} "build-fuzz/found/$target"
    [ ! -d "$here/corpus/$target" ] || find "$here/corpus/$target" -type f -exec cp {} "$dir/corpus/" ';'
    for file in $(fixtures "$target"); do
        cp "$file" "$dir/fixtures/${file//\//-}"
    done
    mapfile -t cases < <(find "$here/cases/$target" -type f 2>/dev/null | sort)
    if [ ${#cases[@]} -gt 0 ]; then
        "$program" -timeout=30 "${cases[@]}" >"$dir/log" 2>&1 || {
            failed "$target" "$dir/log"
            return 1
        }
    fi
    if [ "$seconds" = 0 ]; then
        options+=(-runs=0)
    else
        options+=("-max_total_time=$seconds")
    fi
    "$program" "${options[@]}" "-artifact_prefix=build-fuzz/found/$target/" "$dir/new" "$dir/corpus" "$dir/fixtures" \
        >"$dir/log" 2>&1 || {
        failed "$target" "$dir/log"
        return 1
    }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/log")
    features=$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$dir/log" | tail -n 1)
    printf 'ok    %-11s %9s executions in %3s s, %s cases, corpus %s + %s fixtures + %s new, %s features\n' "$target" \
        "${runs:-?}" "$seconds" "${#cases[@]}" "$(files "$dir/corpus")" "$(files "$dir/fixtures")" "$(files "$dir/new")" \
        "${features:-?}"
    [ -z "$merge" ] || merged "$target"
}

status=0
for target in "${targets[@]}"; do
    run "$target" || status=1
done
exit $status
