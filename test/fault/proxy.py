# SPDX-License-Identifier: MIT
"""Stands between a client and its store: hands on what they say, counts the requests, and lets one of them go wrong."""
import collections
import os
import select
import socket
import struct
import threading

ERROR, EVENT = 16, 15
NAMES = {1: "DIRECTORY", 2: "READ", 4: "WATCH", 5: "UNWATCH", 6: "TRANSACTION_START", 7: "TRANSACTION_END", 11: "WRITE",
         12: "MKDIR", 13: "RM", 14: "SET_PERMS", 17: "IS_DOMAIN_INTRODUCED"}


def messages(data):
    """Takes the whole ones out of the bytes."""
    while len(data) >= 16:
        kind, ident, tx, size = struct.unpack_from("<IIII", data)
        if len(data) < 16 + size:
            return
        whole = bytes(data[:16 + size])
        del data[:16 + size]
        yield kind, ident, tx, whole


class Connection:
    def __init__(self, client, path):
        self.client, self.store = client, socket.socket(socket.AF_UNIX)
        self.store.connect(path)
        self.buffers = {self.client: bytearray(), self.store: bytearray()}
        self.cut = None  # the request that is not to be answered any more

    def close(self):
        self.client.close()
        self.store.close()


class Proxy(threading.Thread):
    """at: the N-th request, or the N-th of a kind as "DIRECTORY.1". how: an error's name, answered in place of the store; `lost`, the connection, before the request is handed on;
    `unheard`, after it was, and was answered."""

    def __init__(self, path, store):
        super().__init__(daemon=True)
        self.path, self.store_path = path, store
        self.connections, self.requests, self.kinds = [], 0, collections.Counter()
        self.fault_at, self.fault_how, self.injected = 0, None, False
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(8)
        self.over, self.waker = socket.socketpair()
        self.start()

    def set(self, at, how):
        self.requests, self.kinds, self.injected = 0, collections.Counter(), False
        self.fault_at, self.fault_how = at, how

    def close(self):
        self.waker.close()
        self.join()

    def from_client(self, c, whole, kind, ident, tx):
        self.requests += 1
        name = NAMES.get(kind, str(kind))
        self.kinds[name] += 1
        if self.injected or self.fault_at not in (self.requests, f"{name}.{self.kinds[name]}"):
            c.store.sendall(whole)
            return True
        self.injected = True
        if self.fault_how == "lost":
            return False
        if self.fault_how == "unheard":
            c.cut = ident
            c.store.sendall(whole)
            return True
        if kind == 7:  # a refused end ends it all the same
            c.store.sendall(struct.pack("<IIII", 7, 0xfffffffe, tx, 2) + b"F\0")
        text = self.fault_how.encode() + b"\0"
        c.client.sendall(struct.pack("<IIII", ERROR, ident, tx, len(text)) + text)
        return True

    def pump(self, c, source):
        data = source.recv(65536)
        if not data:
            return False
        c.buffers[source] += data
        for kind, ident, tx, whole in messages(c.buffers[source]):
            if source is c.client:
                if not self.from_client(c, whole, kind, ident, tx):
                    return False
            elif kind != EVENT and ident == 0xfffffffe:
                continue
            elif kind != EVENT and ident == c.cut:
                return False
            else:
                c.client.sendall(whole)
        return True

    def run(self):
        while True:
            sources = {s: c for c in self.connections for s in (c.client, c.store)}
            for s in select.select(list(sources) + [self.listener, self.over], [], [])[0]:
                if s is self.over:
                    for c in self.connections:
                        c.close()
                    self.listener.close()
                    return
                if s is self.listener:
                    self.connections.append(Connection(s.accept()[0], self.store_path))
                    continue
                c = sources[s]
                try:
                    alive = c not in self.connections or self.pump(c, s)
                except OSError:
                    alive = False
                if not alive:
                    c.close()
                    self.connections.remove(c)
