#!/bin/bash
# SPDX-License-Identifier: MIT
# The engine in simulated worlds:   run.sh [--long]
#
# Schedules that failed once; every schedule of a few small worlds; then, for SIM_SECONDS (10), long ones with all that
# may go wrong. --long: more of the small worlds, for SIM_SEARCH (100) seconds at most.
# The random ones begin with the seed SIM_SEED (1).
set -eu
cd "$(dirname "$0")/../.."
sim=${SIM:-build/test/sim/sim}
search=()
[ "${1:-}" != --long ] || search=("${SIM_SEARCH:-100}")
for schedule in test/sim/cases/*; do
    if "$sim" --replay "$schedule" >/dev/null; then
        echo "PASS ${schedule##*/}"
    else
        "$sim" --replay "$schedule" | tail -n 20
        echo "FAIL ${schedule##*/}"
        exit 1
    fi
done
"$sim" --search "${search[@]}"
"$sim" --random "${SIM_SECONDS:-10}" --seed "${SIM_SEED:-1}"
