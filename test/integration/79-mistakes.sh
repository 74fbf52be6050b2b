#!/bin/bash
# SPDX-License-Identifier: MIT
# Mistakes that people make: each is told what happened, why, and what to do, in a line or two. What a daemon that cannot be
# asked is answered with is in 71-status, what other domains are in 78-domains, and policies in 45-reload.
# shellcheck disable=SC2016  # what is said has backticks
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
export XENRECON_RUNTIME_DIR=$dir/run

policy_qdisk </dev/null
attach_qdisk 7 51712
# told NAME STATUS WANT COMMAND...: what it says on stderr
told() {
    local name=$1 want=$3 status=0
    "${@:4}" 2>"$dir/err" >/dev/null || status=$?
    check "$name: the status" "$status" "$2"
    check "$name: what, why, and what to do" "$(cat "$dir/err")" "$want"
}
x=("${xenrecon[@]}")
with=(--policies "$policies")

# ---- no store, or something else in its place

told "no store" 1 "xenrecon: cannot open the store $dir/none: No such file or directory
xenrecon: is xenstored running? XENSTORED_PATH says where its socket is, if not at the usual place" \
    env XENSTORED_PATH="$dir/none" "${x[@]}" plan "${with[@]}"
: >"$dir/file"
told "no store, but a file" 1 "xenrecon: cannot open the store $dir/file: Connection refused
xenrecon: is xenstored running? XENSTORED_PATH says where its socket is, if not at the usual place" \
    env XENSTORED_PATH="$dir/file" "${x[@]}" explain "${with[@]}" qdisk/7/51712
XENSTORED_PATH=$dir/none "${x[@]}" run "${with[@]}" 2>"$dir/err" &
waits=$!
until [ "$(grep -c . "$dir/err")" = 2 ]; do
    kill -0 $waits
    sleep 0.02
done
check "run, without a store, waits for it" "$(cat "$dir/err")" "xenrecon: no store yet: $dir/none: No such file or directory; waiting for it
xenrecon: is xenstored running? XENSTORED_PATH says where its socket is, if not at the usual place"
kill $waits
wait $waits || true

# ---- not root

if [ "$(id -u)" = 0 ]; then
    cp "${x[-1]}" "$dir/program"
    chmod 755 "$dir" "$dir/program" "$policies"
    chmod 644 "$policies"/*
    nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/program")
    denied="xenrecon: cannot open the store $XENSTORED_PATH: Permission denied"
    told "not root" 1 "$denied
xenrecon: reading the store takes root's rights" "${nobody[@]}" plan "${with[@]}"
    told "not root: run" 1 "$denied
xenrecon: looking after devices takes root's rights" "${nobody[@]}" run "${with[@]}"
else
    echo "SKIP: another user takes root"
fi

# ---- devices and types

told "no name of a device" 1 'xenrecon: "qdisk//7" names no device: it should be TYPE/DOMAIN/DEVID, such as qdisk/7/51712 or vif/web/0' \
    "${x[@]}" plan "${with[@]}" qdisk//7
for command in plan explain; do
    told "$command: no such device" 1 "xenrecon: qdisk/7/1: there is no such device: $(b_of qdisk/7/1) is not there
xenrecon: \`xenrecon plan\` lists those that there are" "${x[@]}" $command "${with[@]}" qdisk/7/1
    told "$command: no such type" 1 "xenrecon: qdsk/7/1: there is no policy for the type qdsk
xenrecon: \`xenrecon policy show\` has those in force; \`xenrecon policy new qdsk\` prints one to begin with" \
        "${x[@]}" $command "${with[@]}" qdsk/7/1
done

# ---- policies

mkdir "$dir/typo"
printf 'version: 1\ntype: qdisk\nowner: xenreccon\n' >"$dir/typo/qdisk.yaml"
for command in plan "explain qdisk/7/51712" run; do
    # shellcheck disable=SC2086  # words
    told "$command: a typo in a policy" 1 "xenrecon: $dir/typo/qdisk.yaml:3:8: expected xenrecon, kernel or external, found \`xenreccon\`
xenrecon:     3 | owner: xenreccon
xenrecon:       |        ^" "${x[@]}" $command --policies "$dir/typo"
done
told "no such folder" 1 "xenrecon: $dir/none: No such file or directory" "${x[@]}" plan --policies "$dir/none"

# ---- the command line

told "a typo in the command" 64 'xenrecon: plann is no command, did you mean plan?
xenrecon: see `xenrecon --help`' "${x[@]}" plann
told "a typo in an option" 64 'xenrecon: --polices is no option here
xenrecon: see `xenrecon run --help`' "${x[@]}" run --polices "$policies"
told "an argument is missing" 64 'xenrecon: --dump is missing its argument
xenrecon: see `xenrecon plan --help`' "${x[@]}" plan --dump

# ---- beside a daemon

start_xenrecon "${with[@]}"
await "$(b_of qdisk/7/51712)/state" 2
told "a second daemon" 1 "xenrecon: another xenrecon looks after this store, process $xenrecon_pid: end it first, or look on with --dry-run" \
    "${x[@]}" run "${with[@]}" --runtime-dir "$dir/other"
if [ "$(id -u)" = 0 ]; then
    told "not root, beside a daemon" 1 "xenrecon: only root may ask the daemon: from the store alone, so that nothing is known of ages and workers
$denied
xenrecon: reading the store takes root's rights" "${nobody[@]}" plan
fi
mkdir "$dir/case"
told "a folder that is there" 1 "xenrecon: as the running daemon decides, process $xenrecon_pid
xenrecon: cannot make the folder $dir/case: File exists" "${x[@]}" explain --export "$dir/case" qdisk/7/51712
stop_xenrecon
# one that is of another version
python3 - "$dir/run/control" <<'END' &
import os, socket, sys
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
open(sys.argv[1] + ".ready", "w").close()
c, _ = s.accept()
for _ in range(2):
    c.recv(4096)
    c.sendall(b'{"daemon":{"xenrecon":"9.9","pid":1,"domid":0,"store":{"path":"x"}}}\n{"end":true}\n')
END
until [ -e "$dir/run/control.ready" ]; do sleep 0.02; done
# the policies are those of the default places then
plan_with_shipped() { "${x[@]}" plan; }
told "plan, of another version than the daemon" 0 \
    "xenrecon: the daemon is xenrecon 9.9, this is $("${x[@]}" --version | cut -d' ' -f2): done without it; restart it to have one version" \
    plan_with_shipped

# ---- policies: all mistakes, of all files

mkdir "$dir/wrong"
cat >"$dir/wrong/a.yaml" <<'END'
version: 1
type: va
ownr: xenrecon
limits: {burst: 0}
END
printf 'version: 1\ntype: vb\nowner: xenrecon\nretry: {max: 1}\n' >"$dir/wrong/b.yaml"
printf 'version: 1\ntype: vc\nowner: xenrecon\n' >"$dir/wrong/c.yaml"
told "policies with mistakes" 1 "$dir/wrong/a.yaml:3:1: unknown key \`ownr\`, did you mean \`owner\`?
    3 | ownr: xenrecon
      | ^
$dir/wrong/a.yaml:4:17: expected a number from 1 to 1000000, found \`0\`
    4 | limits: {burst: 0}
      |                 ^
$dir/wrong/a.yaml:1:1: \`owner\` is missing
    1 | version: 1
      | ^
$dir/wrong/b.yaml:4:14: \`1\` needs a unit: ms, s, m or h
    4 | retry: {max: 1}
      |              ^
xenrecon: 2 of 3 policies are wrong" "${x[@]}" policy check --policies "$dir/wrong"

# ---- words that are near to one that there is

told "a command like none" 64 "xenrecon: frobnicate is no command
xenrecon: see \`xenrecon --help\`" "${x[@]}" frobnicate
told "a command of policy" 64 "xenrecon: policy chek is no command, did you mean check?
xenrecon: see \`xenrecon policy --help\`" "${x[@]}" policy chek
told "a type" 1 "xenrecon: there is no policy for the type qdsik, did you mean qdisk?" "${x[@]}" policy show --policies "$policies" qdsik
