# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For scripts that fetch, which source this first: what they make in the cache is whole or not there, and the first step
# that fails ends the script with a status of its own, so that the next run tries again.
#
# In `f || …`, `if f`, `! f` and `f && …` the shell looks away from what fails inside of f. So such scripts ask for the
# status of programs only, never of a function that does something; with the second line here, shellcheck sees to it:
#
#   # shellcheck enable=check-set-e-suppressed
set -eu -o pipefail
shopt -s inherit_errexit # a failure in $(…) counts, too
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=test/lib/cache.sh
. "$repo/test/lib/cache.sh"
half_made=

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# quietly PROGRAM...: silent unless it fails
quietly() {
    local said
    said=$("$@" 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
}

# apt's own user may not read every folder that is downloaded to.
apt_get=(apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root)
as_root=(env DEBIAN_FRONTEND=noninteractive)
[ "$(id -u)" = 0 ] || as_root=(sudo -n "${as_root[@]}")

# with_lists PROGRAM...: once more with fresh lists of packages when it fails, for those that are on the machine may be
# missing, or name files that the mirror has no more
with_lists() {
    local said update
    if ! said=$("$@" 2>&1); then
        update=$("${as_root[@]}" "${apt_get[@]}" update 2>&1) || die "$said"$'\n'"$update"
        quietly "$@"
    fi
}

# The mirror of Debian itself that apt uses here.
mirror() {
    local uris
    # shellcheck disable=SC2016 # apt expands it
    uris=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed -n '/debian\/*$/p')
    [ -n "$uris" ] || die "apt has no mirror of Debian here"
    echo "${uris%%$'\n'*}"
}

# unpack FOLDER: the packages in it, there
unpack() {
    local deb
    for deb in "$1"/*.deb; do
        [ -e "$deb" ] || die "nothing was downloaded to $1"
        dpkg -x "$deb" "$1"
        rm "$deb"
    done
}

# cached NAME STAMP SAY MAKE...: what `MAKE... FOLDER` puts into a folder is in $cache/NAME then. It is made unless it is
# there with the same stamp, beside its place; SAY is said before.
cached() {
    local name=$1 stamp=$2 say=$3 lock
    shift 3
    [ "$(cat "$cache/$name/stamp" 2>/dev/null)" != "$stamp" ] || return 0
    mkdir -p "$cache"
    exec {lock}>"$cache/lock" # two at once would undo each other's work
    flock "$lock"
    if [ "$(cat "$cache/$name/stamp" 2>/dev/null)" != "$stamp" ]; then
        echo "$say" >&2
        rm -rf --one-file-system "$cache/$name".* # of a run that was killed
        half_made=$(mktemp -d "$cache/$name.XXXXXX")
        chmod 755 "$half_made"
        "$@" "$half_made"
        printf '%s\n' "$stamp" >"$half_made/stamp"
        rm -rf --one-file-system "${cache:?}/$name"
        mv -T "$half_made" "$cache/$name"
        half_made=
    fi
    exec {lock}>&-
}

trap '[ -z "$half_made" ] || rm -rf "$half_made"' EXIT
