# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Where what tests download and unpack is kept, for those who source this: outside of the clone, so that the next clone
# finds it. Each part has a folder of its own below it, made complete or not at all.
#
# Read from the environment:
#   XENRECON_CACHE   the folder; else /var/cache/xenrecon for root, since other users run what is in there and may not
#                    read /root, and ~/.cache/xenrecon for anybody else
# shellcheck disable=SC2034  # for those who source this
if [ -n "${XENRECON_CACHE:-}" ]; then
    cache=$XENRECON_CACHE
elif [ "$(id -u)" = 0 ]; then
    cache=/var/cache/xenrecon
else
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/xenrecon
fi
