#!/bin/bash
# SPDX-License-Identifier: MIT
# Of all calls and store requests of one scenario, some FAULT_RUNS (24) that fail, evenly chosen; `make faults` has all.
options=(--runs "${FAULT_RUNS:-24}")
# What is preloaded must not come before the sanitizer's own library
[ -z "${ASAN_OPTIONS:-}" ] || options+=(--only store)
exec "$(dirname "$0")/../fault/run.sh" "${options[@]}"
