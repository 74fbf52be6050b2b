#!/bin/bash
# SPDX-License-Identifier: MIT
# OpenRC's script for xenrecon, under OpenRC: it starts, refuses what is wrong, reloads, and never takes workers with it.
# shellcheck source=test/deploy/machine.sh
. "$(dirname "$0")/machine.sh"
make -s -j2 all rig >/dev/null
mkdir "$work/build"
cp -a build/{controller,reconcilers,schemas} "$work/build" # only what knows the paths is built again
make -s prefix=/usr B="$work/build" DESTDIR="$work/tree" init=openrc install >/dev/null
chmod 755 "$work"
in_openrc test/deploy/inside/openrc.sh
