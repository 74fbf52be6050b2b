#!/bin/bash
# SPDX-License-Identifier: MIT
# What a worker of a policy's user can reach of other processes: of another worker of the same user, and of the host.
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

# The kernel's version of Landlock, -1: it has none
version=$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')
if [ "$version" -lt 6 ]; then
    echo "SKIP: this kernel cannot keep workers from others (Landlock $version)"
    exit 0
fi

abstract=xr-scope-$$
python3 - "$abstract" "$dir/path" <<'END' &
import os, socket, sys, time
a, b = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
a.bind("\0" + sys.argv[1])
b.bind(sys.argv[2])
os.chmod(sys.argv[2], 0o777)
a.listen(9)
b.listen(9)
time.sleep(1000)
END
becomes_true [ -S "$dir/path" ]

# reached NAME WANT: what the first worker could do
reached() {
    order vputs/7/0 <<END
def attempt(name, what):
    try:
        what()
        return name
    except OSError as e:
        return name + "-" + {1: "EPERM", 13: "EACCES"}.get(e.errno, str(e.errno))
def dial(to):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(to)
def other(): os.kill($other, 0)
def child():
    pid = os.fork()
    if pid == 0:
        time.sleep(100)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
put("$1: " + " ".join([attempt("signal", other), attempt("abstract", lambda: dial("\\0$abstract")),
    attempt("path", lambda: dial("$dir/path")), attempt("child", child)]) + "\n")
END
    until_told vputs/7/0 'w["output"][-1]' "$1: $2"
}

start_xenrecon --policies "$policies"
toolstack attach vputs 7 0 -- attach vputs 7 1
reach "two workers of one guest" "$(b_of vputs/7/0)/state" 2 "$(b_of vputs/7/1)/state" 2
other=$(told vputs/7/1 'w["pid"]')
check "they have one user" "$(stat -c %u "/proc/$other" "/proc/$(told vputs/7/0 'w["pid"]')" | uniq)" 1900000007
reached "by uid-base" "signal-EPERM abstract-EPERM path child"
toolstack detach vputs 7 0 -- detach vputs 7 1
await "$(b_of vputs/7/0)" absent "$(b_of vputs/7/1)" absent
sed -i 's/uid-base:.*/user: "65533"/' "$policies/vputs.yaml"
mark=$(log_mark)
kill -HUP "$xenrecon_pid"
logged "reloaded" "$mark" "policies reloaded"
toolstack attach vputs 7 0 -- attach vputs 8 0
reach "two workers of two guests, and one user" "$(b_of vputs/7/0)/state" 2 "$(b_of vputs/8/0)/state" 2
other=$(told vputs/8/0 'w["pid"]')
reached "by user" "signal-EPERM abstract-EPERM path child"
