#!/bin/bash
# SPDX-License-Identifier: MIT
# Who waits at a terminal is told for what, after a second, on one line that is gone in the end; nobody else is.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export TERM=xterm NO_COLOR=1 XENRECON_RUNTIME_DIR=$dir/run

# on_terminal COMMAND...: as it prints there, while it does, in $dir/screen
on_terminal() {
    "$repo/test/lib/on_terminal.py" "${width:-100}" "$@" >"$dir/screen"
}
# The same in the background, with what it printed from the beginning on
behind() {
    : >"$dir/screen"
    on_terminal "$@" &
    drawing=$!
}
# drawn REGEX [SCREEN]: waits until it is
drawn() {
    local end=$((SECONDS + AWAIT_MS / 1000))
    until grep -qE "$1" "$dir/${2:-screen}" || [ $SECONDS -gt $end ]; do sleep 0.05; done
}
# What was drawn: each time a line. And what stays on the screen.
lines() { { grep -oE $'\rxenrecon: [^\033\r]*\033\\[K' "$dir/screen" || true; } | sed 's/^\r//; s/\x1b\[K$//'; }
stays() { sed -E 's/\r[^\x1b\r]*\x1b\[K//g; s/\r//g' "$dir/screen"; }
# A store that is stopped has to go, too
trap 'status=$?; kill -CONT "$(cat "$dir/pid")" 2>/dev/null || true; (exit $status) && finish || finish' EXIT

# ---- a dump that comes slowly

policy_qdisk </dev/null
attach_qdisk 7 51712
xenstore-ls -f >"$dir/small"
{
    cat "$dir/small"
    awk 'BEGIN { for (i = 0; i < 100000; i++) printf "/local/domain/%d/data/node%d = \"some value\"\n", 100 + i / 100, i }'
} >"$dir/dump"
plan() { "${xenrecon[@]}" plan --policies "$policies" --dump -; }
# slowly FILE: the rest of it once what is waited for is on the screen
slowly() {
    head -c 2000000 "$1"
    drawn 'reading stdin'
    tail -c +2000001 "$1"
}
plan <"$dir/dump" >"$dir/plain"
slowly "$dir/dump" | on_terminal "${xenrecon[@]}" plan --policies "$policies" --dump -
check "a dump of 100000 nodes: how much was read" "$(lines | grep -qE '^xenrecon: reading stdin: [1-9][0-9]* KiB, [0-9]+ s$' && echo yes)" yes
check "and in the end only the report is there" "$(stays)" "$(cat "$dir/plain")"
slowly "$dir/dump" | width=24 on_terminal "${xenrecon[@]}" plan --policies "$policies" --dump -
check "never longer than a line" "$(lines | wc -L)" 23

# ---- where nobody reads it

# silent NAME COMMAND...: on the screen $dir/NAME, until there is $dir/enough
silent() {
    { cat "$dir/small" && until [ -e "$dir/enough" ]; do sleep 0.05; done; } |
        "$repo/test/lib/on_terminal.py" 100 "${@:2}" >"$dir/$1" &
    waits+=($!)
}
waits=()
plan=("${xenrecon[@]}" plan --policies "$policies" --dump -)
silent quiet "${plan[@]}" --quiet
silent pipe sh -c '"$@" 2>&1 | cat' - "${plan[@]}"
silent null sh -c '"$@" 2>/dev/null' - "${plan[@]}"
TERM=dumb silent dumb "${plan[@]}"
silent control "${plan[@]}"
drawn 'reading stdin' control
sleep 1 # for those who are later
touch "$dir/enough"
wait "${waits[@]}"
draws() { grep -c $'\rxen' "$dir/$1" || true; }
check "not with --quiet, not in a pipe, not in a file, not on a dumb terminal" \
    "$(draws quiet) $(draws pipe) $(draws null) $(draws dumb)" "0 0 0 0"
check "but otherwise" "$(draws control | sed 's/[1-9].*/yes/')" yes
on_terminal "${xenrecon[@]}" plan --policies "$policies" --dump "$dir/small"
# On a busy machine it may well take longer
check "not within a second" "$(lines | grep -cvE ', [1-9][0-9]* s$' || true)" 0

# ---- a store that does not answer

kill -STOP "$(cat "$dir/pid")"
behind "${xenrecon[@]}" plan --policies "$policies"
drawn 'waiting for the store, [0-9]'
check "a stopped store is waited for" "$(lines | head -n 1)" "xenrecon: waiting for the store, 1 s"
kill -CONT "$(cat "$dir/pid")"
wait "$drawing"
check "and then the report is there" "$(stays)" "$("${xenrecon[@]}" plan --policies "$policies")"
kill -STOP "$(cat "$dir/pid")"
behind "${xenrecon[@]}" run --once --policies "$policies"
drawn 'waiting for the store, [0-9]'
kill -CONT "$(cat "$dir/pid")"
wait "$drawing"
check "run: also before the first look" "$(lines | head -n 1)" "xenrecon: waiting for the store, 1 s"
check "run: what is said then has its own line" "$(stays)" "xenrecon: qdisk/7/51712: create: the toolstack asks for it, and its keys are complete
xenrecon: ready: 1 devices"

# ---- a daemon that does not answer

start_xenrecon --policies "$policies"
kill -STOP "$xenrecon_pid"
behind "${xenrecon[@]}" status
drawn 'waiting for the daemon, [0-9]'
kill -CONT "$xenrecon_pid"
wait "$drawing"
check "a stopped daemon is waited for" "$(lines | head -n 1)" "xenrecon: waiting for the daemon, 1 s"
check "and then its answer is there" "$(stays | tail -n 1 | awk '{ print $2 }') $(stays | grep -c 'waiting for' || true)" "qdisk/7/51712 0"
