#!/bin/bash
# SPDX-License-Identifier: MIT
# Another user of the same host, who would like to have something done as root, or to have nothing done any more: policies
# that he could have written, his things in the place of ours, and the sockets that he can reach.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
# shellcheck source=test/lib/pages.sh
. "$repo/test/lib/pages.sh"

root=
[ "$(id -u)" != 0 ] || root=yes
policy_qdisk </dev/null
chmod 711 "$dir"
from_page xenrecon-worker.7 '#!/usr/bin/python3' >"$dir/vgreet.py"
chmod 755 "$dir/vgreet.py"
from_page xenrecon-worker.7 'version: 1' | sed "s|/usr/local/libexec/|$dir/|" >"$policies/vgreet.yaml"

# refused NAME WHAT ARGUMENT...: the daemon does not begin, and says why in one line
refused() {
    local status=0
    timeout 120 "${xenrecon[@]}" run --once --runtime-dir "$dir/run" "${@:3}" </dev/null >"$dir/out" 2>&1 || status=$?
    check "$1" "$status, $(cat "$dir/out")" "1, xenrecon: $2"
}
theirs="can be changed by others, who could have other commands run with it"

# ---- policies

chmod 777 "$policies"
refused "a folder that others may write to" "$policies: $theirs" --policies "$policies"
chmod 1777 "$policies"
refused "even a sticky one" "$policies: $theirs" --policies "$policies"
chmod 755 "$policies"
chmod 666 "$policies/qdisk.yaml"
refused "a policy that others may write" "$policies/qdisk.yaml: $theirs" --policies "$policies"
chmod 644 "$policies/qdisk.yaml"
mkfifo "$policies/x.yaml"
refused "a FIFO" "$policies/x.yaml: is not a regular file" --policies "$policies"
rm "$policies/x.yaml"
mkdir "$policies/x.yaml"
refused "a folder that is called like one" "$policies/x.yaml: is not a regular file" --policies "$policies"
rmdir "$policies/x.yaml"
ln -s /dev/zero "$policies/x.yaml"
refused "a link to a device" "$policies/x.yaml: is not a regular file" --policies "$policies"
rm "$policies/x.yaml"
if [ $root ]; then
    chown 65534 "$policies/qdisk.yaml"
    refused "another user's policy" "$policies/qdisk.yaml: belongs to somebody who could have other commands run with it" --policies "$policies"
    exits "policy check says so, too" 1 "${xenrecon[@]}" policy check --policies "$policies"
    exits "but the file itself is well" 0 "${xenrecon[@]}" policy check "$policies/qdisk.yaml"
    exits "and may be planned with" 0 "${xenrecon[@]}" plan --policies "$policies"
    chown 0 "$policies/qdisk.yaml"
fi

# ---- the run directory

in_place() {
    rm -rf "$dir/run"
    (cd "$dir" && eval "$2")
    refused "the run directory: $1" "cannot use $3" --policies "$policies"
}
mkdir "$dir/other"
in_place "a link" "ln -s other run" "$dir/run: it is no directory, or a symbolic link"
in_place "a FIFO" "mkfifo run" "$dir/run: it is no directory, or a symbolic link"
in_place "others may write" "mkdir -m 777 run" "the directory $dir/run: it can be changed by others"
in_place "its records are a link" "mkdir -p run && ln -s ../other run/workers" "workers: it is no directory, or a symbolic link"
[ ! $root ] || in_place "another user's" "mkdir run && chown 65534 run" "the directory $dir/run: it does not belong to us"
check "nothing was written through a link" "$(ls -A "$dir/other")" ""
rm -rf "$dir/run"

# ---- while it runs: a reload

echo precious >"$dir/victim"
mkdir "$dir/metrics"
ln -s "$dir/victim" "$dir/metrics/x.prom"
start_xenrecon --policies "$policies" --metrics-file "$dir/metrics/x.prom"
attach_qdisk 7 1
await "$(b_of qdisk/7/1)/state" 2
toolstack attach vgreet 8 0
await "$(b_of vgreet/8/0)/state" 2
said=$(log_mark)
sed -i 's/feature-flush-cache: 1/feature-flush-cache: 0/' "$policies/qdisk.yaml"
chmod 666 "$policies/qdisk.yaml"
kill -HUP "$xenrecon_pid"
logged "reloaded with a policy that others may write: refused" "$said" "$policies/qdisk.yaml: can be changed by others"
logged "and the one before stays" "$said" "those that were in force still are"
attach_qdisk 7 2
reach "it is in force" "$(b_of qdisk/7/2)/state" 2 "$(b_of qdisk/7/2)/feature-flush-cache" 1
chmod 644 "$policies/qdisk.yaml"

# ---- the metrics file, and --export

end=$((SECONDS + AWAIT_MS / 1000))
until [ -f "$dir/metrics/x.prom" ] && [ ! -L "$dir/metrics/x.prom" ] || [ $SECONDS -gt $end ]; do sleep 0.05; done
check "a link in the metrics file's place is replaced, not followed" "$(cat "$dir/victim") $(stat -c %F "$dir/metrics/x.prom")" \
    "precious regular file"
ln -s other "$dir/export"
exits "explain --export does not follow a link" 1 "${xenrecon[@]}" explain --policies "$policies" --export "$dir/export" qdisk/7/1
check "nor write into what is there" "$(ls -A "$dir/other")" ""

# ---- the sockets, as another user

if [ ! $root ]; then
    echo "SKIP: to be another user takes root"
    exit
fi
cat >"$dir/strangers.py" <<'END'
import os, socket, sys, time
run = sys.argv[1]
def dial(name):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(f"{run}/{name}")
    return s
def heard(s):
    said = b""
    try:
        while chunk := s.recv(4096):
            said += chunk
    except ConnectionError:
        pass
    return said.decode().strip()
for name in "control", "workers/vgreet.8.0", "workers":
    try:
        dial(name) if name == "control" else os.listdir(f"{run}/{name}") if name == "workers" else open(f"{run}/{name}")
        print(name, "open")
    except OSError as e:
        print(name, e.strerror)
for words in b"", b"hello 1 vgreet/8/0 " + b"0" * 32 + b"\n", b"ready state=4\n", b"\0\xff" * 5000, b"half a line", b"hello 1 " * 900:
    s = dial("worker/socket")
    try:
        s.sendall(words)
    except ConnectionError:
        pass
    print(len(words), heard(s))
held = []
for i in range(400):  # and hold them
    try:
        held.append(dial("worker/socket"))
        held[-1].send(b"hel")
    except OSError:
        pass
print(len(held) > 100, flush=True)
time.sleep(600)
END
mark=$(trace_mark)
: >"$dir/strangers"
setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 "$dir/strangers.py" "$dir/run" >"$dir/strangers" 2>&1 &
strangers=$!
until grep -q '^True\|^False\|Error' "$dir/strangers" || [ $SECONDS -gt $((end + AWAIT_MS / 1000)) ]; do sleep 0.05; done
check "another user reads nothing, and is told no more than that it is no worker" "$(cat "$dir/strangers")" \
    "control Permission denied
workers/vgreet.8.0 Permission denied
workers Permission denied
0 refused no%20worker%20of%20ours
52 refused no%20worker%20of%20ours
14 refused no%20worker%20of%20ours
10000 refused no%20worker%20of%20ours
11 refused no%20worker%20of%20ours
7200 refused no%20worker%20of%20ours
True"
check "and has nothing written" "$(changes_since "$mark")" ""
toolstack attach vgreet 9 0
reach "while he holds hundreds of connections, a worker gets through" "$(b_of vgreet/9/0)/state" 2
check "and the others are served as before" "$(state_of "$(b_of vgreet/8/0)") $(grep -c 'vgreet/8/0: .*worker .* started' "$dir/xenrecon.log")" "2 1"
kill $strangers
check "not a word of it is his" "$(grep -c 'half a line\|state=4' "$dir/xenrecon.log" || true)" 0
