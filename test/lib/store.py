# SPDX-License-Identifier: MIT
"""A client of xenstored, in Python: one connection, one request at a time, for tests whose players share a process.

Errors of the store are StoreError, with the name that it gave (ENOENT...); a connection that breaks is StoreLost."""
import collections
import select
import socket
import struct
import time

DIRECTORY, READ, WATCH, UNWATCH, START, END, WRITE, MKDIR, RM, SET_PERMS, EVENT, ERROR = 1, 2, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16


class StoreError(Exception):
    pass


class StoreLost(Exception):
    pass


class Store:
    def __init__(self, path):
        self.events = collections.deque()  # (path, token)
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(path)
        except OSError as error:
            self.socket.close()
            raise StoreLost(str(error)) from error

    def close(self):
        self.socket.close()

    def _receive(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except OSError as error:
                raise StoreLost(str(error)) from error
            if not part:
                raise StoreLost("it is gone")
            data += part
        return data

    def _message(self):
        kind, _, _, size = struct.unpack("<IIII", self._receive(16))
        body = self._receive(size)
        if kind == EVENT:
            path, token = body.split(b"\0")[:2]
            self.events.append((path.decode(), token.decode()))
        return kind, body

    def request(self, kind, *words, tx=0, end=b""):
        body = b"".join(word.encode() + b"\0" for word in words) + end
        try:
            self.socket.sendall(struct.pack("<IIII", kind, 0, tx, len(body)) + body)
        except OSError as error:
            raise StoreLost(str(error)) from error
        got, body = EVENT, b""
        while got == EVENT:
            got, body = self._message()
        if got == ERROR:
            raise StoreError(body.rstrip(b"\0").decode())
        return body

    def read(self, path, tx=0):
        """None: there is no such node."""
        try:
            return self.request(READ, path, tx=tx).decode(errors="replace")
        except StoreError as error:
            if str(error) == "ENOENT":
                return None
            raise

    def names(self, path, tx=0):
        try:
            return [name.decode() for name in self.request(DIRECTORY, path, tx=tx).split(b"\0")[:-1]]
        except StoreError as error:
            if str(error) == "ENOENT":
                return []
            raise

    def write(self, path, value, tx=0):
        self.request(WRITE, path, tx=tx, end=str(value).encode())

    def remove(self, path, tx=0):
        try:
            self.request(RM, path, tx=tx)
        except StoreError as error:
            if str(error) != "ENOENT":
                raise

    def make(self, path, *perms, tx=0):
        self.request(MKDIR, path, tx=tx)
        if perms:
            self.request(SET_PERMS, path, *perms, tx=tx)

    def watch(self, path, token):
        self.request(WATCH, path, token)

    def next_event(self, seconds):
        """None: there was none."""
        end = time.monotonic() + seconds
        while not self.events:
            left = end - time.monotonic()
            if left < 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            self._message()
        return self.events.popleft()

    def transaction(self, work):
        """work(tx) until nobody else was faster; what it returns. It may raise, and then nothing is written."""
        while True:
            tx = int(self.request(START, end=b"\0").rstrip(b"\0"))
            try:
                result = work(tx)
            except StoreLost:
                raise
            except BaseException:
                self.request(END, "F", tx=tx)
                raise
            try:
                self.request(END, "T", tx=tx)
                return result
            except StoreError as error:
                if str(error) != "EAGAIN":
                    raise

    def tree(self, path="/", tx=0):
        """Each node below path, with its value."""
        nodes = {}
        for name in self.names(path, tx):
            child = path.rstrip("/") + "/" + name
            value = self.read(child, tx)
            if value is not None:
                nodes[child] = value
                nodes.update(self.tree(child, tx))
        return nodes
