#!/bin/bash
# SPDX-License-Identifier: MIT
# Every source that is installed compiles with musl, as if warnings were errors:   musl.sh FOLDER
#
# Debian has musl, but the libraries' headers for glibc only. What is wanted of these, and nothing of glibc's own, is linked
# to from FOLDER. Only their declarations are read: nothing is linked, and nothing is run.
set -eu -o pipefail
cd "$(dirname "$0")/.."
include=$1/include
multiarch=$(gcc -print-multiarch)
mkdir -p "$include"
for header in uv uv.h yaml.h jansson.h jansson_config.h 'seccomp*.h' 'liburing*' xen 'xen*.h' linux asm asm-generic; do
    # shellcheck disable=SC2206  # patterns
    found=(/usr/include/$header /usr/include/$multiarch/$header)
    for file in "${found[@]}"; do
        [ ! -e "$file" ] || ln -sfn "$file" "$include/${file##*/}"
    done
done
flags=()
eval "flags=($(make -s CC=gcc DEVELOPER=1 flags))"
find schemas reconcilers controller -name '*.c' -print0 |
    xargs -0 -P "$(nproc)" -n 8 musl-gcc "${flags[@]}" -idirafter "$include" -fsyntax-only
