#!/bin/bash
# SPDX-License-Identifier: MIT
# xenrecon-dm: what libxl starts for a guest whose disks are ours, and what it asks of it. With QEMU in its place we keep
# off the disks.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"

program=${xenrecon[-1]}-dm
dm=("${xenrecon[@]:0:${#xenrecon[@]}-1}" "$program") # under valgrind, too
model=/local/domain/0/device-model
qmp() { "$repo/test/lib/qmp.py" "$@"; }
policy_qdisk </dev/null
for domid in 7 8 9; do
    start_domain $domid
done
start_xenrecon --policies "$policies"

# start_model DOMID [OPTION...]: as libxl 4.17 starts it; $models[DOMID]
models=()
start_model() {
    local domid=$1
    shift
    "${dm[@]}" -xen-domid "$domid" -no-shutdown \
        -chardev "socket,id=libxl-cmd,path=$dir/qmp-libxl-$domid,server=on,wait=off" -mon chardev=libxl-cmd,mode=control \
        -chardev "socket,id=libxenstat-cmd,path=$dir/qmp-libxenstat-$domid,server=on,wait=off" \
        -mon chardev=libxenstat-cmd,mode=control -nodefaults -no-user-config -xen-attach -name "-S" -vnc none \
        -display none -nographic "$@" -machine xenpv -m 512 </dev/null >"$dir/dm$domid.log" 2>&1 &
    models[domid]=$!
}
# ended NAME DOMID [STATUS]: it does, and leaves nothing
ended() {
    local status=0 leaves
    wait "${models[$2]}" || status=$?
    leaves=$(xenstore-ls -f $model/"$2" 2>/dev/null | grep -v "^$model/$2 = \"\"$" || true; ls "$dir"/qmp-*-"$2" 2>/dev/null || true)
    check "$1" "$status $leaves" "${3:-0} "
}

# ---- QEMU serves the guest

xenstore-write $model/7/state running
attach_qdisk 7 51712
await_quiet 100
check "QEMU: claimed elsewhere" "$(verdict qdisk/7/51712) $(state_of "$(b_of qdisk/7/51712)")" \
    "claimed-elsewhere: warning=foreign-backend 1"
status=0
start_model 7
wait "${models[7]}" || status=$?
check "QEMU: not to be hidden" "$status $(xenstore-ls -f $model) $(cat "$dir/dm7.log")" \
    "1 $model/7 = \"\"
$model/7/state = \"running\" xenrecon-dm: domain 7 has a device model already"
check "QEMU: still claimed elsewhere" "$(verdict qdisk/7/51712)" "claimed-elsewhere: warning=foreign-backend"

# ---- xenrecon-dm instead

mark=$(trace_mark)
start_model 8
reach "it says that it runs" $model/8/state running
check "and before, that it is a null one" \
    "$(trace_since "$mark" | grep -oE '^WRITE \(device-model/8/[a-z]+ [a-z]+' | cut -d / -f 3)" "xenrecon null
state running"
attach_qdisk 8 51712
reach "created" "$(b_of qdisk/8/51712)/state" 2
check "plan of a dump" "$(xenstore-ls -f / | "${xenrecon[@]}" plan --format wide --dump - --policies "$policies" | grep -A 1 '/51712' |
    grep -oE 'qdisk/[78]/.*|foreign-backend' | tr -s ' ' | cut -d ' ' -f 1,6)" \
    "qdisk/7/51712 claimed-elsewhere
foreign-backend
qdisk/8/51712 steady"
toolstack attach qdisk 8 51728 # without its keys
check "explain says which device model" \
    "$("${xenrecon[@]}" explain --policies "$policies" qdisk/8/51728 | grep -c 'null device model')" 1

# ---- QMP

libxl=$dir/qmp-libxl-8
check "what libxl asks of it" "$(qmp "$libxl" query-status query-chardev query-vnc)" "\
{\"return\": {\"running\": true, \"singlestep\": false, \"status\": \"running\"}}
{\"return\": [{\"filename\": \"unix:$libxl,server=on\", \"frontend-open\": true, \"label\": \"libxl-cmd\"}, \
{\"filename\": \"unix:$dir/qmp-libxenstat-8,server=on\", \"frontend-open\": false, \"label\": \"libxenstat-cmd\"}]}
{\"return\": {\"enabled\": false}}"
check "what libxenstat asks" "$(qmp --libxenstat "$dir/qmp-libxenstat-8" query-block query-blockstats)" '{"return": []}
{"return": []}'
check "stop, cont" "$(qmp "$libxl" stop query-status cont query-status | grep -o '"status": .*')" \
    '"status": "paused"}}
"status": "running"}}'
check "devices" "$(qmp "$libxl" 'device_add={"driver": "usb-host"}' 'device_del={"id": "x"}' xen-save-devices-state |
    grep -o '"class": "[A-Za-z]*"')" '"class": "GenericError"
"class": "DeviceNotFound"
"class": "CommandNotFound"'
check "it knows the commands that it names" "$(qmp "$libxl" query-commands | python3 -c '
import json, sys
print(*(c["name"] for c in json.load(sys.stdin)["return"]
    if c["name"] not in ("quit", "qmp_capabilities")), sep="\n")' | sort | xargs "$repo/test/lib/qmp.py" "$libxl" |
    grep -c CommandNotFound || true)" 0

# ---- clients that mean no good

check "negotiation comes first" "$(qmp --raw "$libxl" <<<'{"execute": "quit"}' | tail -n 1 | grep -o '"class": "[A-Za-z]*"')" \
    '"class": "CommandNotFound"'
hello='{"execute": "qmp_capabilities"}'
for what in 'hello' '[1]' '"x"' '{]' '{"execute": 1}' '{"execute": "stop", "more": 1}' '{"execute": "stop", "arguments": 1}'; do
    check "error: $what" "$(qmp --raw "$libxl" <<<"$hello$what" | tail -n 1 | grep -o '"class": "[A-Za-z]*"')" \
        '"class": "GenericError"'
done
nothing() { head -c 300000 /dev/zero | tr '\0' "$1"; }
check "error: no end" "$(nothing '{' | qmp --raw "$libxl" | tail -n 1 | grep -c 'too long')" 1
check "error: deep" "$({ nothing '[' | head -c 30000 | sed 's/^/{"x": /'; nothing ']' | head -c 30000; echo '}'; } |
    qmp --raw "$libxl" | grep -c 'not JSON')" 1
head -c 100000 /dev/urandom | qmp --raw "$libxl" >/dev/null
clients=()
for _ in $(seq 30); do # more than it lets in
    qmp --raw "$libxl" <<<"$hello" >/dev/null &
    clients+=($!)
done
wait "${clients[@]}"
check "it still answers" "$(qmp "$libxl" query-status | grep -c running)" 1

# ---- the end

kill -HUP "${models[8]}" # as libxl does
ended "told to end: nothing is left" 8
start_model 8
await $model/8/state running
xenstore-rm $model/8 # libxl, before it does
kill -TERM "${models[8]}"
ended "removed by libxl" 8
start_model 8
await $model/8/state running
check "quit" "$(qmp "$dir/qmp-libxl-8" quit)" '{"return": {}}'
ended "quit: nothing is left" 8
start_model 8
await $model/8/state running
kill -KILL "${models[8]}"
wait "${models[8]}" 2>/dev/null || true
start_model 8 # over what the one before left
reach "another after kill -9" $model/8/state running $model/8/xenrecon null
until qmp "$dir/qmp-libxl-8" query-status >/dev/null 2>&1; do
    kill -0 "${models[8]}"
    sleep 0.02
done
start_model 9
await $model/9/state running
rigctl state 9 shutdown
check "a domain that shut down is still there" "$(qmp "$dir/qmp-libxl-9" query-status | grep -c running)" 1
stop_domain 9
ended "the domain is gone" 9

# ---- how else libxl starts it

start_model 7 -machine xenfv,suppress-vmdesc=on
status=0
wait "${models[7]}" || status=$?
check "HVM is refused" "$status $(grep -c 'emulates nothing' "$dir/dm7.log") $(xenstore-read $model/7/state)" "1 1 running"
xenstore-rm $model/7
reach "QEMU is gone: created" "$(b_of qdisk/7/51712)/state" 2
start_model 7 -S
until qmp "$dir/qmp-libxl-7" query-status >"$dir/said" 2>/dev/null; do
    kill -0 "${models[7]}"
    sleep 0.02
done
check "-S: does not run yet" "$(grep -o '"status": "[a-z]*"' "$dir/said") $(state_of $model/7)" '"status": "prelaunch" absent'
qmp "$dir/qmp-libxl-7" cont >/dev/null
reach "-S: cont" $model/7/state running $model/7/xenrecon null
kill -TERM "${models[7]}"
ended "-S: the end" 7
check "a socket that is inherited, and the words of older versions" "$(python3 - "$dir" "${dm[@]}" <<'PYTHON'
import json, os, socket, subprocess, sys
folder, dm = sys.argv[1], sys.argv[2:]
s = socket.socket(socket.AF_UNIX)
s.bind(folder + "/inherited")
s.listen(1)
old = folder + "/old"
p = subprocess.Popen(dm + ["-S", "-machine", "none,accel=xen", "-chardev", f"socket,id=a,fd={s.fileno()},server=on,wait=off",
                           "-mon", "chardev=a,mode=control", "-chardev", f"socket,id=b,path={old},server,nowait",
                           "-mon", "chardev=b,mode=control"], pass_fds=[s.fileno()])
c = socket.socket(socket.AF_UNIX)
c.connect(folder + "/inherited")
lines = c.makefile("rw", newline="\r\n")
lines.readline()
print(os.path.exists(old), oct(os.stat(old).st_mode & 0o777))
for command in "qmp_capabilities", "query-command-line-options", "quit":
    lines.write(json.dumps({"execute": command}))
    lines.flush()
    print(lines.readline().strip())
print(p.wait(), os.path.exists(old))
PYTHON
)" 'True 0o700
{"return":{}}
{"return":[]}
{"return":{}}
0 False'

# ---- another store in its place

stop_xenrecon
kill -KILL "${rings[8]}"
wait "${rings[8]}" 2>/dev/null || true
stop_store
start_store
start_domain 8
check "the store came back: it still answers" "$(qmp "$dir/qmp-libxl-8" query-status | grep -c running)" 1
reach "and says so again" $model/8/state running $model/8/xenrecon null
kill -TERM "${models[8]}"
ended "the end" 8
