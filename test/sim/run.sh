#!/bin/bash
# SPDX-License-Identifier: MIT
# The engine in simulated worlds:   run.sh [--long]
#
# Schedules that failed once; every schedule of a few small worlds, of one device and of two; then, for SIM_SECONDS (10),
# long ones with all that may go wrong. --long: more of the small worlds, for SIM_SEARCH (100) and SIM_PAIRS (60) seconds.
# The random ones begin with the seed SIM_SEED (1).
set -eu
cd "$(dirname "$0")/../.."
sim=${SIM:-build/test/sim/sim}
search=() pairs=()
if [ "${1:-}" = --long ]; then
    search=("${SIM_SEARCH:-100}") pairs=("${SIM_PAIRS:-60}")
fi
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
"$sim" --pairs "${pairs[@]}"
"$sim" --random "${SIM_SECONDS:-10}" --seed "${SIM_SEED:-1}"
