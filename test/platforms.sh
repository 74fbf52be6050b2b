#!/bin/bash
# SPDX-License-Identifier: MIT
# The program on other systems than this one:   platforms.sh PLATFORM [--fresh] [PART]...
#
#   bookworm trixie forky   Debian 12, 13 and what comes after. In a root with the least packages, git and make is made what
#                           a clone of HEAD would have, and there:
#     demo                  make demo, which installs what it needs; in a new root, within 120 s of the processors' time
#     build                 everything, with warnings as errors
#     check-xen lint deb    make check-xen and so on; the real Xen is that of the platform
#     unit golden ...       any part of check.sh
#                           Without a part it is demo build unit golden integration.
#   arm64                   test/platforms/arm64.sh says what
#   table                   prints what came of the platforms that were run here
#
# Roots and what is downloaded in them are kept in the cache (lib/cache.sh). They are made by mmdebstrap from the mirror that
# apt uses on this machine, and anew with --fresh or after a run that was interrupted. Logs are in build/platforms/PLATFORM,
# what came of each part is in build/platforms/PLATFORM.tsv. Needs to be root, since it mounts. See lib/jobs.sh for the
# environment.
# shellcheck enable=check-set-e-suppressed
# shellcheck disable=SC2016,SC2317 # $(…) is for others to expand, and functions are called by their names
# shellcheck source=test/lib/fetch.sh
. "$(dirname "$0")/lib/fetch.sh"
# shellcheck source=test/lib/jobs.sh
. "$repo/test/lib/jobs.sh"
limit=${LIMIT:-3600}
results=$repo/build/platforms
before_clone=(git make ca-certificates) # what README has one install
first_minutes=120

usage() {
    sed -n '3,20s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

# ---- the table

# cell FILE PART: what came of it the last time
cell() {
    awk -F '\t' -v part="$2" '
        $1 == part { cell = ($2 == "ok" ? "" : "**failed** ") ($3 == "" && $2 == "ok" ? "yes" : $3) }
        END { print cell == "" ? "not run" : cell }' "$1"
}

print_table() {
    local file part
    echo "| platform | build | demo | unit | golden | integration | real Xen |"
    echo "|---|---|---|---|---|---|---|"
    for file in "$results"/*.tsv; do
        [ -e "$file" ] || die "nothing was run here"
        printf '| %s |' "$(sed -n 's/^platform\t\(.*\)\t$/\1/p' "$file" | tail -n 1)"
        for part in build demo unit golden integration check-xen; do
            printf ' %s |' "$(cell "$file" $part)"
        done
        echo
    done
}

# result PART ok|failed WORDS
result() {
    printf '%s\t%s\t%s\n' "$@" >>"$results/$platform.tsv"
}

# ---- the root

# What was downloaded once is taken from outside, and put there. A mirror may have stood still for longer than the lists of
# a suite that is not yet released are meant to be used; for a test they are good enough, and signed all the same.
make_root() {
    local uri archives=/var/cache/apt/archives make said
    uri=$(mirror)
    make=(mmdebstrap --variant=minbase --mode=root --include="$(IFS=, && echo "${before_clone[*]}")"
        --skip=download/empty --skip=essential/unlink
        --setup-hook='mkdir -p "$1'"$archives"'"' --setup-hook="sync-in '$kept/archives' $archives"
        --customize-hook="sync-out $archives '$kept/archives'")
    if ! said=$("${make[@]}" "$platform" "$1" "$uri" 2>&1); then
        [[ $said = *"is expired (invalid since"* ]] || die "$said"
        echo "platforms.sh: the mirror has old lists, which are used as an exception: $(grep -o 'Release file .*' <<<"$said")" >&2
        find "$1" -mindepth 1 -delete
        quietly "${make[@]}" --aptopt='Acquire::Check-Valid-Until "false"' "$platform" "$1" "$uri"
    fi
}

# One in which somebody was interrupted may be anything.
ready_root() {
    mkdir -p "$kept/archives" "$cache/roots"
    exec {in_use}>"$kept/lock"
    flock --nonblock "$in_use" || die "another run works in $root"
    if [ $fresh = yes ] || [ -e "$kept/unfinished" ]; then
        rm -f "$root/stamp"
    fi
    rm -f "$kept/unfinished"
    if [ ! -e "$root/stamp" ]; then
        rm -f "$kept/first-minutes"
    fi
    cached "roots/$platform" "$platform ${before_clone[*]}" "platforms.sh: making a root of $platform in $root" make_root
    rm -rf "$root/root/xenrecon"
    mkdir "$root/root/xenrecon"
    git archive --format=tar "$commit" | tar -x -C "$root/root/xenrecon"
}

# ---- what is done in it

# inside COMMANDS: lines of shell, in the clone; sets `program` to what does that
inside() {
    program=("$repo/test/platforms/enter.sh" "$root" "$kept" bash -c "set -eu; cd /root/xenrecon; $1")
}

# commands_of PART
commands_of() {
    case $1 in
    build) echo 'test/deps.sh unit; make -s -j"$(nproc)" CC=gcc DEVELOPER=1 all rig tests' ;;
    demo) echo 'TIMEFORMAT="processors: %U %S"; time make demo' ;;
    check-xen | lint | deb) echo "make $1" ;;
    *) echo "test/check.sh $1" ;;
    esac
}

# Whether the first demo in a root was soon done.
soon_done() {
    local took
    took=$(cat "$kept/first-minutes")
    echo "make demo in the new root took $took s of the processors' time, of $first_minutes"
    [ "$took" -le "$first_minutes" ]
}

run_part() {
    local part=$1 log=$logs/$platform/$1.log before=${#failed[@]} said="" status=ok
    inside "$(commands_of "$part")"
    touch "$kept/unfinished"
    job "$platform/$part" "${program[@]}"
    barrier
    rm "$kept/unfinished"
    case $part in
    build) ;;
    demo)
        if [ ! -e "$kept/first-minutes" ]; then
            awk '/^processors: / { printf "%.0f\n", $2 + $3 }' "$log" >"$kept/first-minutes"
            job "$platform/demo-soon-done" soon_done
            barrier
        fi
        said="$(cat "$kept/first-minutes") s at first"
        ;;
    *) said=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 passed, \2 failed/p' "$log" | tail -n 1) ;;
    esac
    [ ${#failed[@]} = "$before" ] || status=failed
    result "$part" $status "${said%, 0 failed}"
}

# What the table calls it
describe() {
    inside '. /etc/os-release
        of() { dpkg-query -W -f "\${Version}" "$1" | sed -E "s/^[0-9]+://; s/^([0-9]+\.[0-9]+).*/\1/"; }
        echo "$PRETTY_NAME: gcc $(of gcc), glibc $(of libc6), libuv $(of libuv1-dev), Xen $(of libxen-dev)"'
    "${program[@]}"
}

# ---- what is asked for

[ $# -gt 0 ] || usage
platform=$1 fresh=no
shift
case $platform in
arm64) exec "$repo/test/platforms/arm64.sh" "$@" ;;
table)
    print_table
    exit
    ;;
bookworm | trixie | forky) ;;
*) usage ;;
esac
parts=()
for word; do
    case $word in
    --fresh) fresh=yes ;;
    -*) usage ;;
    *) parts+=("$word") ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=(demo build unit golden integration)
[ "$(id -u)" = 0 ] || die "needs to be root, to make roots and mount what is in them"
"$repo/test/deps.sh" platforms
commit=$(git rev-parse HEAD)
root=$cache/roots/$platform kept=$cache/kept/$platform
begin "build/platforms/$platform"
logs=$results # where each job has its platform's name before its own
ready_root
if ! grep -qsxF "commit"$'\t'"$commit"$'\t' "$results/$platform.tsv"; then
    rm -f "$results/$platform.tsv" # what came of another
    result commit "$commit" ""
fi
for part in "${parts[@]}"; do
    run_part "$part"
done
result platform "$(describe)" ""
closing
