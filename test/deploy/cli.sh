#!/bin/bash
# SPDX-License-Identifier: MIT
# What `make cli` builds: it asks no more of a system than XCP-ng 8 has (glibc 2.17, no libuv, no libseccomp, and none of
# Xen's libraries), and reports as the whole program does.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
cd "$repo"
make -s cli >/dev/null
cli=$repo/build/cli/xenrecon

# Functions that the program takes from libc
wanted() {
    nm -D --undefined-only "$1" | sed -nE 's/^ +U ([^@]*)@+GLIBC_[0-9.]*$/\1/p' | sort -u
}
# Those that this machine's libc has had since 2.17 or before; it keeps the old ones under their old versions, but for
# what was inline then, and what strtol() and its like are called in new headers
old() {
    local libc
    libc=$(ldd "$cli" | sed -nE 's/.*libc\.so\.6 => ([^ ]*) .*/\1/p')
    nm -D --defined-only "$libc" | sed -nE 's/.* ([^@ ]*)@+GLIBC_2\.([0-9]|1[0-7])(\.[0-9]+)?$/\1/p'
    printf '%s\n' stat fstat lstat __isoc23_{strtol,strtoul,strtoll,strtoull,sscanf}
}
newer() {
    comm -23 <(wanted "$1") <(old | sort -u)
}
cat >"$dir/new.c" <<'END'
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) { return close_range(3, 4, 0) + (int)strlen(argv[argc - 1]); }
END
gcc -O0 -fno-builtin -o "$dir/new" "$dir/new.c"
check "a newer function would be found, and an old one is none" "$(newer "$dir/new")" close_range
check "no function newer than glibc 2.17" "$(newer "$cli")" ""
check "no library but these" "$(objdump -p "$cli" | sed -nE 's/^ +NEEDED +lib([a-z]*).*/\1/p' | sort | tr '\n' ' ')" "c jansson yaml "

# ---- it reports as the other does

XENRECON=$cli bash test/golden/run.sh >"$dir/golden" || true
sed '/^PASS/d' "$dir/golden"
check "every golden case" "$(($(grep -c '^PASS' "$dir/golden") > 100)) $(sed '/^PASS/d' "$dir/golden" | wc -l)" "1 0"
toolstack attach vkbd 7 0
check "plan: as the whole program" "$("$cli" plan --policies deploy/policies)" "$("${xenrecon[@]}" plan --policies deploy/policies)"
start_xenrecon --policies deploy/policies
check "status: asks a daemon that there is" "$("$cli" status --runtime-dir "$dir/run" | grep -c ' vkbd/7/0 ')" 1
check "policy check" "$("$cli" policy check --policies deploy/policies | grep -c ': ok')" "$(find deploy/policies -name '*.yaml' | wc -l)"
exits "run: there is none" 1 "$cli" run --policies deploy/policies
check "run: says so" "$("$cli" run 2>&1 | head -n 1)" "xenrecon: this xenrecon was built to report only (make cli): it has no daemon"
