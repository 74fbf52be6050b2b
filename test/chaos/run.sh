#!/bin/bash
# SPDX-License-Identifier: MIT
# Chaos on a real store of its own, which see chaos.py for:   run.sh [SECONDS [SEED]] [--soak]
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
[ $# -gt 0 ] || set -- 120
python3 "$repo/test/chaos/chaos.py" "$dir" "$@"
