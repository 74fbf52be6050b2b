#!/bin/bash
# SPDX-License-Identifier: MIT
# What workers print: it comes through a pipe of their own, so that they cannot truncate, flood, forge or block the log; its
# end is kept, and told; and who prints goes on while nobody reads.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
# shellcheck source=test/lib/devices.sh
. "$repo/test/lib/devices.sh"
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: workers have users of their own"
    exit 0
fi
# shellcheck source=test/lib/puppet.sh
. "$repo/test/lib/puppet.sh"

start_xenrecon --policies "$policies"
toolstack attach vputs 7 0 -- attach vputs 8 0
reach "two workers are ready" "$(b_of vputs/7/0)/state" 2 "$(b_of vputs/8/0)/state" 2
pid=$(told vputs/7/0 'w["pid"]')

# ---- lines

order vputs/7/0 <<'END'
put("one line\nand another, ")
put("in two parts\x1b[2J\n", 2)
put("\n\r\nvputs/8/0: worker 1 started\n" + "x" * 5000 + "\nthe end without a newline")
END
logged "a line is logged" 0 "^xenrecon: vputs/7/0: worker $pid: one line$"
logged "and one that came in parts, on both descriptors, made printable" 0 \
    "^xenrecon: vputs/7/0: worker $pid: and another, in two parts\\\\x1b\[2J$"
logged "what looks like another's line is told as this one's" 0 "^xenrecon: vputs/7/0: worker $pid: vputs/8/0: worker 1 started$"
logged "a long line is cut" 0 "^xenrecon: vputs/7/0: worker $pid: x{400,600}$"
until_told vputs/7/0 'w["output"][-1]' "the end without a newline"
check "status has its last lines" "$(told vputs/7/0 'sum(map(len, w["output"])) <= 4096, len(w["output"][-2])')" "(True, 511)"

# ---- the log is not within its reach

size=$(log_mark)
before=$(head -c "$size" "$dir/xenrecon.log" | cksum)
flags=$(sed -n 's/^flags:.*\(....\)$/\1/p' "/proc/$xenrecon_pid/fdinfo/2")
order vputs/7/0 <<'END'
tried = []
for fd in 1, 2:
    for what in (lambda: os.ftruncate(fd, 0), lambda: os.lseek(fd, 0, 0), lambda: os.pwrite(fd, b"forged\n", 0),
                 lambda: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND),
                 lambda: os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)),
                 lambda: os.close(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_TRUNC)),
                 lambda: os.close(os.open(f"/proc/{os.getppid()}/fd/2", os.O_WRONLY | os.O_TRUNC))):
        try:
            what()
            tried.append("done")
        except OSError as e:
            tried.append(os.strerror(e.errno))
put("\ntried: " + ", ".join(tried) + "\n")
END
logged "the log's file cannot be got at" 0 "worker $pid: tried: (Invalid argument|Illegal seek|Permission denied|done|, )+$"
check "it is what it was" "$(head -c "$size" "$dir/xenrecon.log" | cksum)" "$before"
check "and so are its flags" "$(sed -n 's/^flags:.*\(....\)$/\1/p' "/proc/$xenrecon_pid/fdinfo/2")" "$flags"

# ---- a flood

mark=$(log_mark)
order vputs/7/0 <<'END'
fcntl.fcntl(1, fcntl.F_SETFL, 0) # it waits where its pipe is full
flood = os.fork()
if flood == 0:
    put(f"floods as {os.getpid()}\n")
while flood == 0:
    put("flood\n" * 500)
END
logged "a flood begins" "$mark" ": flood$"
flood=$(log_since "$mark" | sed -n 's/.*: floods as //p')
# written: how many bytes until now
written() { sed -n 's/^wchar: //p' "/proc/$flood/io"; }
begun=$(now_ms)
before=$(written)
order vputs/8/0 <<<'put("heard all the same\n")'
logged "another guest's worker is heard meanwhile" "$mark" "^xenrecon: vputs/8/0: worker [0-9]*: heard all the same$"
toolstack attach vputs 9 0
reach "and a third is started" "$(b_of vputs/9/0)/state" 2
logged "what was left out is counted" "$mark" "vputs/7/0.* [0-9]+ more (line|message)s were (not logged|suppressed)"
now=$(written)
took=$(($(now_ms) - begun))
check "no more of it is read than so much a second" \
    "$([ $((now - before)) -le $((256 * 1024 * (took / 1000 + 2) + 128 * 1024)) ] && echo yes || echo "$((now - before)) in $took ms")" yes
quoted=$(log_since "$mark" | grep -c "vputs/7/0: worker $pid: ")
took=$(($(now_ms) - begun)) # since the log was read
check "few lines of it are logged" "$([ "$quoted" -le $((50 * (took / 10000 + 3))) ] && echo yes || echo "$quoted in $took ms")" yes
log_size=$(($(log_mark) - mark))
check "and so the log has not grown much" "$((log_size < 40000))" 1
check "status has the last of them" "$(told vputs/7/0 'w["output"][-2]')" flood
order vputs/7/0 <<<'os.kill(flood, signal.SIGKILL); os.waitpid(flood, 0)'

# ---- last words

order vputs/9/0 <<'END'
put(("x" * 99 + "\n") * 400 + "its last words\n") # more than is read at a time
os._exit(3)
END
logged "who dies has last words" 0 "vputs/9/0: its worker exited with status 3; it printed last: its last words;"
await_quiet 100
found=$("${xenrecon[@]}" plan --runtime-dir "$dir/run" vputs/9/0 | grep -F worker-died | sed "s, (since .*,," || true)
check "the finding has them" "$found" \
    "    ! error worker-died: the worker exited with status 3; it printed last: its last words (1 times in a row)"
check "and so has status" "$("${xenrecon[@]}" status --runtime-dir "$dir/run" vputs/9/0 | grep -c '| its last words')" 1

# ---- a child that keeps the pipe

order vputs/7/0 <<'END'
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    while not os.path.exists(sys.argv[1] + "/enough"):
        put("a child's\n")
        time.sleep(0.01)
    os._exit(0)
END
logged "a child of the worker prints" "$(log_mark)" "worker $pid: a child's"
mark=$(log_mark)
kill -KILL "$pid"
logged "it keeps nobody from seeing the worker's end" "$mark" "vputs/7/0: its worker ended by signal 9, SIGKILL; it printed last: a child's;"
touch "$dir/enough"

# ---- nobody reads

order vputs/8/0 <<'END'
put("before\n")
END
logged "before the daemon dies" 0 "vputs/8/0: worker [0-9]*: before$"
pid=$(told vputs/8/0 'w["pid"]')
kill_xenrecon
rm -f "$dir/lost"
touch "$dir/lost" && chmod 666 "$dir/lost"
order vputs/8/0 <<'END'
put("while nobody reads\n")
lost = sum(put("x" * 99 + "\n") for i in range(5000))
open(sys.argv[1] + "/lost", "w").write(str(lost > 400000))
END
becomes_true [ -s "$dir/lost" ] || true
check "a worker that prints while nobody reads does not wait, what it prints is lost" "$(cat "$dir/lost")" True
mark=$(log_mark)
start_xenrecon --policies "$policies"
logged "it is found again" "$mark" "vputs/8/0: worker $pid found again"
logged "what had room in the pipe is read" "$mark" "vputs/8/0: worker $pid: while nobody reads$"
order vputs/8/0 <<<'put("\nafter\n")'
until_told vputs/8/0 'w["output"][-1]' "after"
order vputs/8/0 <<<'put("and that\n")'
until_told vputs/8/0 'w["output"][-2:]' "['after', 'and that']"
check "it is the same worker" "$(told vputs/8/0 'w["pid"]')" "$pid"
toolstack detach vputs 8 0
reach "and it is ended as ever" "$(b_of vputs/8/0)/state" 6
xenstore-rm "$(b_of vputs/8/0)"
gone() { ! ls "$dir/run/workers/vputs.8.0"* >/dev/null 2>&1; }
becomes_true gone || true
check "with its record and its pipe" "$(find "$dir/run/workers" -name 'vputs.8.0*')" ""
