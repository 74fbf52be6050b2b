#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speaks QMP as libxl does: answers end with CR LF, and carry the id of the command.

    qmp.py SOCKET COMMAND...         COMMAND: query-status, or device_add={"driver": "x"}. Prints each answer
    qmp.py --libxenstat SOCKET ...   the same without a newline behind a command, and without ids
    qmp.py --raw SOCKET              sends standard input, prints all that comes until the other end hangs up
"""
import json
import socket
import sys


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)  # blocks while the other end's queue is full: with a time limit it would fail with EAGAIN
    s.settimeout(10)
    return s


def messages(s):
    data = b""
    while True:
        end = data.find(b"\r\n")
        while end < 0:
            more = s.recv(65536)
            if not more:
                return
            data += more
            end = data.find(b"\r\n")
        yield json.loads(data[:end])
        data = data[end + 2:]


def show(message):
    print(json.dumps(message, sort_keys=True))


def raw(path):
    s = connect(path)
    try:
        s.sendall(sys.stdin.buffer.read())
        s.shutdown(socket.SHUT_WR)
    except ConnectionError:  # it hung up already
        pass
    try:
        for message in messages(s):
            show(message)
    except ConnectionResetError:
        pass


def speak(path, commands, with_ids):
    s = connect(path)
    answers = messages(s)
    greeting = next(answers)
    assert greeting["QMP"]["capabilities"] == [], greeting
    for i, command in enumerate(["qmp_capabilities"] + commands):
        name, _, arguments = command.partition("=")
        message = {"execute": name}
        if arguments:
            message["arguments"] = json.loads(arguments)
        if with_ids:
            message["id"] = 0x786C7100 + i
        s.sendall(json.dumps(message).encode() + (b"\r\n" if with_ids else b""))
        answer = next(answers, None)
        if answer is None:
            sys.exit("hung up")
        if with_ids:
            assert answer.pop("id") == message["id"], answer
        if i:
            show(answer)


if sys.argv[1] == "--raw":
    raw(sys.argv[2])
elif sys.argv[1] == "--libxenstat":
    speak(sys.argv[2], sys.argv[3:], False)
else:
    speak(sys.argv[1], sys.argv[2:], True)
