#!/bin/bash
# SPDX-License-Identifier: MIT
# A test with programs that have sanitizers, which fails when one of them has something to report, whoever started it and
# whatever became of it:   sanitized.sh BUILD COMMAND...
set -eu
repo=$(cd "$(dirname "$0")/.." && pwd)
build=$repo/$1
shift
reports=$(mktemp -d "${XR_TMP:-/tmp}/xr-reports.XXXXXX")
trap 'rm -rf "$reports"' EXIT
said=exitcode=99:log_path=$reports/report
export ASAN_OPTIONS=detect_leaks=1:$said UBSAN_OPTIONS=print_stacktrace=1:$said TSAN_OPTIONS=$said
export XENRECON=$build/xenrecon RIG_BUILD=$build
status=0
"$@" || status=$?
for report in "$reports"/report.*; do
    [ -s "$report" ] || continue
    cat "$report"
    status=1
done
exit $status
