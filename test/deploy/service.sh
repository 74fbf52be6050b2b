#!/bin/bash
# SPDX-License-Identifier: MIT
# xenrecon.service under systemd: it starts, is watched, reloads, and never takes workers with it.
# shellcheck source=test/deploy/machine.sh
. "$(dirname "$0")/machine.sh"
make -s -j2 all rig >/dev/null
mkdir "$work/build"
cp -a build/{controller,reconcilers,schemas} "$work/build" # only what knows the paths is built again
make -s prefix=/usr B="$work/build" DESTDIR="$work/tree" install >/dev/null
in_machine test/deploy/inside/service.sh
