#!/bin/bash
# SPDX-License-Identifier: MIT
# What `xenrecon plan` says about the stores in the folders here, each loaded into a real xenstored:
#
#   run.sh [--update] [CASE...]
#
# A CASE is a folder with policies (*.yaml), `store`, `expected` and, where the command line matters, `args`; one with
# `dump` instead of `store` is of that text, and `about` says what it shows. Without a CASE, all of them are run, and it is checked that they cover what a plan can say. --update writes `expected` anew.
cases=()
update=
for word; do
    if [ "$word" = --update ]; then
        update=yes
    else
        cases+=("$(realpath "$word")")
    fi
done
# shellcheck source=test/lib/testlib.sh
TRACE=${TRACE:-off} . "$(dirname "$0")/../lib/testlib.sh"
cd "$repo"
"${xenrecon[@]}" --version >/dev/null
complete=
if [ ${#cases[@]} = 0 ]; then
    cases=("$repo"/test/golden/*/)
    complete=yes
fi
mkdir "$dir/json" "$dir/export"

everything() { xenstore-ls -fp / 2>&1; }

# said CASE ARGUMENT...: what the command says, and its exit status if that is not 0
said() (
    local case=$1 status=0 args=()
    shift
    [ ! -e "$case/dump" ] || set -- "$@" --dump -
    [ ! -e "$case/args" ] || read -r -a args <"$case/args"
    [ ! -e "$case/dump" ] || exec <"$case/dump"
    "${xenrecon[@]}" "$@" "${args[@]}" --policies "$case" 2>"$dir/err" || status=$?
    cat "$dir/err"
    [ $status = 0 ] || echo "exit status $status"
)

# answer CASE NAME: what `explain` answers first of all, of each device in the file `explain`, is in the file `explained`
answer() {
    local device
    while read -r device; do
        said "$1" explain "$device" | sed "/^$/,\$d; s,$1/,,; s,$repo/,,"
    done <"$1/explain" >"$dir/answer"
    if [ -n "$update" ]; then
        cp "$dir/answer" "$1/explained"
    else
        diff -u --label "$2/explained" --label "what explain says" "$1/explained" "$dir/answer"
    fi
}

run_case() {
    local case=${1%/} name=${1%/} before wrong=
    name=${name##*/}
    [ ! -e "$case/store" ] || xsload --clear "$case/store"
    before=$(everything)
    said "$case" plan >"$dir/got"
    said "$case" plan --format json >"$dir/json/$name"
    [ "$before" = "$(everything)" ] || wrong="the store has changed"
    if [ -n "$update" ]; then
        cp "$dir/got" "$case/expected"
    elif ! diff -u --label "$name/expected" --label "what plan says" "$case/expected" "$dir/got"; then
        wrong="the plan is another${wrong:+, and $wrong}"
    fi
    [ ! -e "$case/explain" ] || answer "$case" "$name" || wrong="the answer is another${wrong:+, and $wrong}"
    if [ -z "$wrong" ]; then
        pass "$name"
    else
        fail "$name: $wrong"
    fi
}

# round_trip CASE DEVICE [OPTION...]: what `explain --export` writes of a device is a case that says the same of it
round_trip() {
    local case=${1%/} device=$2 name to
    shift 2
    name=${case##*/}
    to=$dir/export/$name-${device//\//-}
    xsload --clear "$case/store"
    "${xenrecon[@]}" explain "$@" --policies "$case" --export "$to" "$device" >"$dir/explained"
    run_case "$to"
    check "$name: the export of $device says what explain said" \
        "$(cat "$to/expected")" "$(sed '/^row /,$d' "$dir/explained" | sed '$d' | sed '1,/^$/d')"
}

for case in "${cases[@]}"; do
    about=$case/store
    [ ! -e "$case/dump" ] || about=$case/about
    [ -z "$complete" ] || check "${case#"$repo/test/golden/"} says what it shows" "$(head -c 2 "$about")" "# "
    run_case "$case"
done
reports=("$dir"/json/*)

if [ -n "$complete" ] && [ -z "$update" ]; then
    golden=$repo/test/golden
    round_trip "$golden/connect-blk-initialised" qdisk/7/51712
    round_trip "$golden/create-odd-characters" qdisk/7/51728
    round_trip "$golden/create-nested-keys" vusb/7/1
    round_trip "$golden/claimed-elsewhere-device-model" qdisk/7/51712
    round_trip "$golden/create-null-device-model" qdisk/7/51712
    round_trip "$golden/incomplete-dir-empty" qdisk/7/51712
    round_trip "$golden/destroy-in-driver-domain" qdisk/7/51712
    round_trip "$golden/host-served" vkbd/12/0 --policies deploy/policies
    round_trip "$golden/create-vfb-secret" vfb/7/0
    exported=$dir/export/create-vfb-secret-vfb-7-0
    check "the exported secret is redacted" "$(grep -h vncpasswd "$exported/store")" \
        '/local/domain/0/backend/vfb/7/0/vncpasswd = "redacted"'
    check "the secret is nowhere else" "$(grep -rl hunter2 "$exported" "$dir/explained" "$dir"/json || true)" ""
    check "--export overwrites nothing" "$("${xenrecon[@]}" explain --policies "$golden/create-vfb-secret" --export \
        "$exported" vfb/7/0 2>&1 >/dev/null || echo $?)" "xenrecon: cannot make the folder $exported: File exists
1"
fi

if "$repo/test/golden/validate.py" ${complete:+--complete} "$repo/schemas/plan.schema.json" "${reports[@]}"; then
    pass "the JSON reports are as their schema says${complete:+, and cover the table}"
else
    fail "the JSON reports"
fi
