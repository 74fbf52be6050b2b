# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For those who run tests: a `python3` that comes first in the PATH for other reasons has none of the modules that deps.sh
# installs, and may be a slow wrapper. From here on it is the system's. Wants $repo.
# shellcheck disable=SC2154  # repo is the caller's
if [ -x /usr/bin/python3 ] && [ "$(command -v python3)" != /usr/bin/python3 ]; then
    mkdir -p "$repo/build/python"
    [ -e "$repo/build/python/python3" ] || ln -sf /usr/bin/python3 "$repo/build/python/python3"
    PATH=$repo/build/python:$PATH
fi
