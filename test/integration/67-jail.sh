#!/bin/bash
# SPDX-License-Identifier: MIT
# A xenrecon-blk that somebody has taken over, and that makes a system call of his: what only an intruder wants ends it, and
# the finding has the call's name; what a libc might try is answered with ENOSYS, said once, and the guest sees nothing of it.
# The intruder is a library that is preloaded (rig/intruder.c).
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/block.sh
# shellcheck disable=SC2119
. "$repo/test/lib/block.sh"
XENRECON_BLK=$repo/build/xenrecon-blk # without sanitizers, which cannot be locked in
jail=$(jail_here)
if [ "$jail" = none ]; then
    echo "this kernel has no seccomp filters: no worker can be locked in"
    exit
fi

block_policy
# What a disk is called is what its intruder does. A worker that died is left alone, to be looked at.
sed -i -e "s|command: \['|&/usr/bin/env', 'INTRUDER=\${dev}', '|" \
    -e "s|LD_PRELOAD: '|&$repo/build/test/rig/intruder.so |" -e 's|^retry:.*|retry: {initial: 300s, max: 600s}|' "$dir/policies/qdisk.yaml"
toolstack domain-create 0
start_domain 7 4096 grants
start_xenrecon --policies "$dir/policies"
n=0

# intruded CALL: another disk; sets key
intruded() {
    attach_disk $((++n)) 1M "dev=$1"
    key=qdisk/7/$n
}

# logs EXPRESSION: within a while, or not
logs() {
    local end=$((SECONDS + AWAIT_MS / 1000))
    until grep -qE "$1" "$dir/xenrecon.log"; do
        [ $SECONDS -lt $end ] || return 0
        sleep 0.02
    done
}

# said EXPRESSION: how often
said() {
    grep -cE "$1" "$dir/xenrecon.log" || true
}

# ---- what only an intruder wants

# killed CALL NAME: the last disk's worker, for a system call of that name; or an empty one, as nobody can know
killed() {
    local found
    logs "$key: its worker ended"
    found=$("${xenrecon[@]}" plan --runtime-dir "$dir/run" "$key" 2>/dev/null | grep -F worker-died | sed "s, (since .*,," || true)
    check "$1: the finding says why the worker is dead" "$found" \
        "    ! error worker-died: the worker ended by signal 31, SIGSYS${2:+: system call $2 is not allowed} (1 times in a row)"
    check "$1: nothing came of it" "$(said "intruder: ${1#start-}:")" 0
}

# discard_kills CALL NAME
discard_kills() {
    intruded "$1"
    blk discard 8 8 >"$dir/out" 2>&1 & # there is no worker that would answer
    killed "$1" "$2"
    { kill $! && wait $!; } 2>/dev/null || true
}

for call in openat openat2 execve clone socket mmap mprotect ptrace kill tgkill fallocate ftruncate bpf mount io_uring_setup io_uring_enter rt_sigaction; do
    discard_kills $call $call
done
check "the worker says it itself, too: one name, once" \
    "$(said "^xenrecon: qdisk/7/1: worker [0-9]+: system call openat is not allowed$")" 1
discard_kills rt_sigaction-high rt_sigaction
discard_kills openat-blocked ""
intruded start-openat
killed start-openat openat
intruded none
await "$b/state" 2
kill -SYS "$(pgrep -f "xenrecon-blk .*$image")"
killed none ""

# ---- what a libc might try

# discard_goes_on CALL [NAME]: with ENOSYS; and that was said, once, of a system call of that name
discard_goes_on() {
    local want
    intruded "$1"
    want="^xenrecon: $key: worker [0-9]+: system call ${2:-} "
    exits "$1: the guest sees nothing of it" 0 blk discard 8 8
    exits "$1: nor the next time" 0 blk discard 8 8
    check "$1: there is no such call" "$(said "intruder: $1: Function not implemented")" 2
    [ -n "${2:-}" ] || return 0
    logs "$want"
    check "$1: said once" "$(said "$want")" 1
}

for call in getrandom statx ioctl prlimit64; do
    discard_goes_on $call $call
done
discard_goes_on number-1000 "without a name \(1000\)"
discard_goes_on thread # by two system calls, with all signals blocked: nobody can say so

# ---- what is allowed, and leads nowhere

# comes_to CALL WHAT: what the intruder is told, and the guest sees nothing of it
comes_to() {
    intruded "$1"
    exits "$1: the guest sees nothing of it" 0 blk discard 8 8
    check "$1: nothing comes of it" "$(grep -o "intruder: $1: .*" "$dir/xenrecon.log")" "intruder: $1: $2"
}
comes_to grow "File too large"
check "grow: the image is as large as it was" "$(stat -c %s "$image")" 1048576
if [ "$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')" -ge 6 ]; then # Landlock's version
    python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind("\0" + sys.argv[1]); s.listen(); s.accept()' "$dir" &
    becomes_true grep -qF "@$dir" /proc/net/unix
    comes_to abstract "Operation not permitted"
fi
