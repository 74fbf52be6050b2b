#!/bin/bash
# SPDX-License-Identifier: MIT
# Reads the code without running it:   lint.sh [PART]...
#
#   format      clang-format, of which each version formats otherwise: with another one than 14 it is left out of all parts,
#               and fails when it is asked for
#   tidy        clang-tidy, with what .clang-tidy asks for
#   cppcheck    a suppression stands in the code, with its reason
#   analyzer    gcc -fanalyzer
#   shell       shellcheck
#   python      every script compiles
#   layers      what a layer may include; the pure ones do no I/O
#   licence     every file names its licence
#   policies    those shipped agree with the parser and with the JSON Schema
#   man         every manual page can be made
#   documents   what the READMEs say of the sources is there
#
# Logs are kept in build/lint.
# shellcheck source=test/lib/jobs.sh
# shellcheck disable=SC2317  # jobs are called by their names
. "$(dirname "$0")/lib/jobs.sh"
limit=${LIMIT:-1200}
every=(tidy analyzer cppcheck shell python layers licence policies man documents format)
formatter=$(clang-format --version 2>/dev/null || true)
if [ $# = 0 ]; then
    set -- "${every[@]}"
    if [ -n "$formatter" ] && [[ $formatter != *" version 14."* ]]; then
        set -- "${every[@]:0:${#every[@]}-1}"
        echo "left out    format: it wants clang-format 14, and this is $formatter"
    fi
fi
for part; do
    [[ " ${every[*]} " = *" $part "* ]] || {
        sed -n '3,18s/^# \{0,1\}//p' "$0" >&2
        exit 64
    }
done
for tool in clang-format clang-tidy cppcheck gcc nm shellcheck python3 scdoc; do
    command -v $tool >/dev/null || {
        echo "lint.sh: there is no $tool: run test/deps.sh lint" >&2
        exit 1
    }
done

begin build/lint
find schemas reconcilers controller test -name '*.[ch]' | sort >"$logs/c"
grep '\.c$' "$logs/c" >"$logs/sources"
grep -v '^test/' "$logs/sources" >"$logs/ours"
{
    printf '%s\n' .ci/run deploy/openrc/xenrecon
    find test deploy -name '*.sh' -o -name '*.bash' | sort
} >"$logs/sh"
find test -name '*.py' | sort >"$logs/py"
build=(make -s -j"$(nproc)" CC=gcc DEVELOPER=1)
flags=()
preprocess=()
eval "flags=($("${build[@]}" flags))"
for flag in "${flags[@]}"; do
    [[ $flag != -[DI]* ]] || preprocess+=("$flag")
done

# every_file LIST COMMAND...: with {} for each file of the list, on all processors
every_file() {
    local list=$logs/$1
    shift
    xargs -a "$list" -P "$(nproc)" -I '{}' "$@"
}

format() {
    if [[ $formatter != *" version 14."* ]]; then
        echo "clang-format 14 is wanted, and this is $formatter"
        return 1
    fi
    xargs -a "$logs/c" clang-format --dry-run -Werror
}

tidy() {
    every_file sources clang-tidy --quiet '{}' -- "${flags[@]}" 2>&1 |
        { grep -v '^[0-9]* warnings\? generated\.$' || true; }
}

# From 13 on gcc holds for lost what a structure keeps and what dup2() puts into its place, and for endless a loop that empties
# a list.
analyzer() {
    local less=()
    [ "$(gcc -dumpversion | cut -d. -f1)" -lt 13 ] || less=(-Wno-analyzer-fd-leak -Wno-analyzer-infinite-loop)
    every_file ours gcc "${flags[@]}" -O1 -fanalyzer "${less[@]}" -c -o /dev/null '{}'
}

# may_include WHOSE FILE...: of our own headers
may_include() {
    local whose=$1
    shift
    ! grep -HnE '^ *# *include *"' "$@" | grep -vE "# *include *\"($whose)/" || wrong=1
}

layers() {
    local wrong=0 schemas reconcilers controller room below others pure objects
    mapfile -t schemas < <(grep '^schemas/' "$logs/c")
    mapfile -t reconcilers < <(grep '^reconcilers/' "$logs/c")
    mapfile -t controller < <(grep '^controller/' "$logs/c")
    may_include "schemas" "${schemas[@]}"
    may_include "schemas|reconcilers" "${reconcilers[@]}"
    may_include "schemas|reconcilers|controller" "${controller[@]}"
    while read -r room below; do
        may_include "$below|controller/$room" controller/"$room"/*.[ch]
    done <<<"$rooms"
    diff <(cut -d ' ' -f 1 <<<"$rooms" | sort) <(find controller -mindepth 1 -type d -printf '%f\n' | sort) || wrong=1 # no room is left out
    ! grep -Hn 'include <uv\.h>' controller/engine/*.[ch] || wrong=1
    mapfile -t others < <(grep -vE '^(controller/engine|test/sim)/' "$logs/c")
    ! grep -HnF '"controller/engine/state.h"' "${others[@]}" || wrong=1
    test/lib/circles.py || wrong=1
    may_include "schemas|reconcilers|test" test/unit/test_*.c
    # a data plane has effects; what it decides, and what it knows of the guest's protocol, is pure all the same
    mapfile -t pure < <(printf '%s\n' "${schemas[@]}" "${reconcilers[@]}" |
        grep -vE '^reconcilers/block/' && ls reconcilers/block/{blkif,journal,request,space}.[ch])
    ! grep -HnE '^ *# *include *<(uv|xenstore|xs|xenctrl|xen/|sys/socket|pthread|syslog)' "${pure[@]}" |
        grep -v 'xen/io/' || wrong=1
    # What no include shows: no clock, no files, no chance
    mapfile -t objects < <(printf 'build/%s\n' "${pure[@]}" | sed -n 's/\.c$/.o/p')
    nm -Au "${objects[@]}" >"$logs/undefined"
    ! grep -E " U ($impure)(64)?(@|$)" "$logs/undefined" || wrong=1
    return "$wrong"
}
# Each room of the controller, and what its files may include beside their own: arrows go down only
rooms='cli       schemas|reconcilers|controller/(daemon|observe|store|base)
daemon    schemas|reconcilers|controller/(engine|processes|observe|store|base)
engine    schemas|reconcilers|controller/(observe|store|base)
processes schemas|reconcilers|controller/base
observe   schemas|reconcilers|controller/(store|base)
store     schemas|controller/base
base      schemas
dm        schemas'
impure='uv_.*|xs_.*|clock_gettime|gettimeofday|time|sleep|usleep|nanosleep|f?open|openat|fdopen|popen|system|fork|exec[vl].*'
impure+='|read|write|socket|connect|getenv|syslog|rand|random|getrandom|exit|clock|timespec_get|ftime|localtime.*|mktime'

licence() {
    local file wrong=0
    while read -r file; do
        [[ $(head -n 3 "$file") != *"SPDX-License-Identifier: MIT"* ]] || continue
        echo "$file"
        wrong=1
    done < <(cat "$logs"/{c,sh,py} && find deploy -name '*.yaml' && ls Makefile .clang-*)
    return "$wrong"
}

policies() {
    build/xenrecon policy check deploy/policies/*.yaml
    build/xenrecon policy schema | diff - schemas/policy.schema.json
    test/lib/policies.py schemas/policy.schema.json deploy/policies/*.yaml
}

man() {
    local page wrong=0
    for page in deploy/man/*.scd; do
        scdoc <"$page" >/dev/null || wrong=1
    done
    return "$wrong"
}

for part; do
    case $part in
    layers | policies)
        step build "${build[@]}" all cli || closing
        break
        ;;
    esac
done
for part; do
    case $part in
    cppcheck)
        # A test that has no memory or file may die of it; and cppcheck takes ck_assert's use of fclose(f) for two
        without=(--suppress=normalCheckLevelMaxBranches --suppress=deallocuse:test/unit/*)
        without+=(--suppress={nullPointerOutOfMemory,nullPointerArithmeticOutOfMemory,nullPointerOutOfResources}:test/*)
        job cppcheck cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,performance,portability --inline-suppr \
            "${without[@]}" --error-exitcode=1 "${preprocess[@]}" --file-list="$logs/sources"
        ;;
    documents) job documents test/lib/tour.py README.md controller/README.md test/README.md test/bench/README.md ;;
    shell) job shell xargs -a "$logs/sh" shellcheck -x ;;
    python) job python xargs -a "$logs/py" python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]' ;;
    format | tidy | analyzer | layers | licence | policies | man) job "$part" "$part" ;;
    esac
done
closing
