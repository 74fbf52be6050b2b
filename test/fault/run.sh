#!/bin/bash
# SPDX-License-Identifier: MIT
# Faults in a folder of its own, which see faults.py for:   run.sh [OPTION]...
export TRACE=off
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
python3 "$repo/test/fault/faults.py" "$dir" "$@"
