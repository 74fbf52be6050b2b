#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a service manager hears:   notify.py SOCKET FILE

Listens at SOCKET, a path or with a @ in front an abstract name, and appends each message to FILE as one line, what
stands on its lines with | between. Says on standard output when it listens.
"""
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
listener.bind("\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
with open(sys.argv[2], "a", encoding="utf-8") as file:
    while True:
        file.write(listener.recv(4096).decode().strip("\n").replace("\n", "|") + "\n")
        file.flush()
