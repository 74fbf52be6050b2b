#!/bin/bash
# SPDX-License-Identifier: MIT
# Of all calls and store requests of one scenario, some FAULT_RUNS (24) that fail, evenly chosen; `make faults` has all.
exec "$(dirname "$0")/../fault/run.sh" --runs "${FAULT_RUNS:-24}"
