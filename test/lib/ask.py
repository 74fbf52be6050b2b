#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks a daemon at its control socket:   ask.py SOCKET LINE...

Sends each line and prints the answer's lines. A LINE may be +N, for N bytes without a newline, or @N, for N connections
that ask nothing. Prints `closed` when the daemon closes the connection."""
import select
import socket
import sys
import time


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)  # before the time limit: see qmp.py
    connection.settimeout(10)
    return connection


def answer(lines):
    for line in lines:
        print(line, end="")
        if line.startswith(('{"end":', '{"error":')):
            return True
    print("closed")
    return False


def main(path, *requests):
    others = []
    connection = connect(path)
    lines = connection.makefile("r", encoding="utf-8")
    for request in requests:
        if request[0] == "@":
            others = [connect(path) for _ in range(int(request[1:]))]
            time.sleep(0.3)
            closed = select.select(others, [], [], 0)[0]
            print(f"{len(others) - len(closed)} open")
            continue
        try:
            connection.sendall(b"x" * int(request[1:]) if request[0] == "+" else request.encode(errors="surrogateescape") + b"\n")
            if not answer(lines):
                return
        except ConnectionError:
            print("closed")
            return


main(*sys.argv[1:])
