# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# After devices.sh, for tests of what workers may do: one that does what it is told, for devices of the type vputs. Root's
# only, since workers have users of their own.
# shellcheck disable=SC2154  # what testlib.sh and devices.sh set
chmod 711 "$dir"

# A worker that runs, in Python, what is written to $dir/do.DEVICE (with dots between), once for each number in its first
# line: the state file has the last.
cat >"$dir/puppet.py" <<'END'
#!/usr/bin/python3
import fcntl, os, select, signal, socket, sys, time
device = os.environ["XENRECON_DEVICE"]
token = os.read(3, 64).decode().strip()
insists = False  # whether it goes on when it is refused
orders = sys.argv[1] + "/do." + device.replace("/", ".")

def obey():
    try:
        number, text = open(orders).read().split("\n", 1)
    except (OSError, ValueError):
        return
    if number != os.pread(4, 16, 0).decode().strip():
        os.pwrite(4, number.ljust(16).encode(), 0)
        exec(text, globals())

def put(text, fd=1):
    """Returns how much of it is lost."""
    data = text.encode()
    try:
        return len(data) - os.write(fd, data)
    except BlockingIOError:
        return len(data)

def serve(s):
    s.sendall(f"hello 1 {device} {token}\n".encode())
    while True:
        if select.select([s], [], [], 0.02)[0]:
            words = s.recv(9000).decode().split()
            if not words or "stop" in words or ("refused" in words and not insists):
                return bool(words)
            if "welcome" in words:
                s.sendall(b"ready\n")
            if "connect" in words:
                s.sendall(f"connected {words[words.index('connect') + 1]}\n".encode())
            if "disconnect" in words:
                s.sendall(b"disconnected\n")
        obey()

while True:
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.environ["XENRECON_SOCKET"])
            if serve(s):
                break
    except OSError:
        pass
    obey()
    time.sleep(0.02)
END
chmod 755 "$dir/puppet.py"
policy vputs <<END
owner: xenrecon
worker:
  command: [$dir/puppet.py, $dir]
  uid-base: 1900000000
retry: {initial: 300s, max: 600s}
END

number=0
# order DEVICE: what it is to run, from standard input
order() {
    { echo $((++number)) && cat; } >"$dir/order"
    chmod 644 "$dir/order"
    mv "$dir/order" "$dir/do.${1//\//.}"
}
# told DEVICE EXPRESSION: in Python, of its worker `w`, what `status` has
told() {
    "${xenrecon[@]}" status --runtime-dir "$dir/run" --format json "$1" | python3 -c '
import json, sys
w = json.load(sys.stdin)["devices"][0]["worker"]
print(eval(sys.argv[1]))' "$2"
}
# until_told DEVICE EXPRESSION VALUE
until_told() {
    local end=$((SECONDS + AWAIT_MS / 1000)) got
    until got=$(told "$1" "$2") && [ "$got" = "$3" ]; do
        [ $SECONDS -le $end ] || {
            fail "$1: $2 is '$got', not '$3'"
            return 0
        }
        sleep 0.05
    done
    pass "$1: $2 is '$3'"
}
