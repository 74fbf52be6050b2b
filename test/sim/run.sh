#!/bin/bash
# SPDX-License-Identifier: MIT
# The engine in simulated worlds:   run.sh [--long]
#
# Schedules that failed once; every schedule of a few small worlds, of one device and of two; then SIM_RANDOM (10000) long
# ones with all that may go wrong, from the seed SIM_SEED (1) on. --long: more of the small worlds, SIM_SEARCH (10000000) and
# SIM_PAIRS (4000000) steps. All of it ends by count: no machine finds what another passes.
set -eu
cd "$(dirname "$0")/../.."
sim=${SIM:-build/test/sim/sim}
search=() pairs=()
if [ "${1:-}" = --long ]; then
    search=("${SIM_SEARCH:-10000000}") pairs=("${SIM_PAIRS:-4000000}")
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
"$sim" --random "${SIM_RANDOM:-10000}" --seed "${SIM_SEED:-1}"
