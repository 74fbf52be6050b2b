#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""activate.py SOCKET FOLDER PROGRAM [ARGUMENT]...: does for xenrecon-network@.service what systemd does: for each that
connects to SOCKET, a process with that connection as its descriptor 3, and a folder of its own below FOLDER. It runs as the
folder's owner. Prints a line when it listens."""
import os
import signal
import socket
import sys

path, folder, command = sys.argv[1], sys.argv[2], sys.argv[3:]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
os.chmod(path, 0o600)
listener.listen(16)
print("listening", flush=True)
owner = os.stat(folder)
n = 0
while True:
    connection, _ = listener.accept()
    n += 1
    own = f"{folder}/{n}"
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.mkdir(own, 0o700)
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.chown(own, owner.st_uid, owner.st_gid)
            os.setgroups([])
            os.setresgid(*[owner.st_gid] * 3)
            os.setresuid(*[owner.st_uid] * 3)
        os.dup2(connection.fileno(), 3)
        os.execve(command[0], command, {**os.environ, "LISTEN_FDS": "1", "RUNTIME_DIRECTORY": own})
    connection.close()
