# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # what testlib.sh sets
# Examples taken out of the manual pages, to be run.

# from_page PAGE FIRST-LINE: the example on deploy/man/PAGE.scd that begins so
from_page() {
    awk -v first="$2" '
        /^```$/ { inside = !inside; begins = inside; wanted = 0; next }
        begins { wanted = $0 == first; begins = 0 }
        wanted' "$repo/deploy/man/$1.scd"
}
