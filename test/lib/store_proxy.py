# SPDX-License-Identifier: MIT
"""What stands between clients and their store and hands on what they say. Who inherits from it decides what becomes of each
message. It runs in a thread of its own."""
import collections
import os
import select
import socket
import struct
import threading

ERROR, EVENT = 16, 15
NAMES = {1: "DIRECTORY", 2: "READ", 4: "WATCH", 5: "UNWATCH", 6: "TRANSACTION_START", 7: "TRANSACTION_END", 11: "WRITE",
         12: "MKDIR", 13: "RM", 14: "SET_PERMS", 17: "IS_DOMAIN_INTRODUCED", 22: "DIRECTORY_PART"}

# kind, ident and tx as in the header; `whole` has the header, too
Message = collections.namedtuple("Message", "kind ident tx whole")


def message(kind, ident, tx, body):
    return struct.pack("<IIII", kind, ident, tx, len(body)) + body


def messages(data):
    """Takes the whole ones out of the bytes."""
    while len(data) >= 16:
        kind, ident, tx, size = struct.unpack_from("<IIII", data)
        if len(data) < 16 + size:
            return
        whole = bytes(data[:16 + size])
        del data[:16 + size]
        yield Message(kind, ident, tx, whole)


class Connection:
    def __init__(self, client, path):
        self.client, self.store = client, socket.socket(socket.AF_UNIX)
        self.store.connect(path)
        self.buffers = {self.client: bytearray(), self.store: bytearray()}

    def close(self):
        self.client.close()
        self.store.close()


class StoreProxy(threading.Thread):
    connection = Connection

    def __init__(self, path, store):
        super().__init__(daemon=True)
        self.path, self.store_path = path, store
        self.connections = []
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(8)
        self.over, self.waker = socket.socketpair()

    def close(self):
        self.waker.close()
        self.join()

    # Each may end the connection by returning False.

    def from_client(self, c, m):  # pylint: disable=unused-argument
        c.store.sendall(m.whole)
        return True

    def from_store(self, c, m):  # pylint: disable=unused-argument
        c.client.sendall(m.whole)
        return True

    def closed(self, c):
        """It was ended, by whomever."""

    def due(self):
        """Does what its time has come for. How many seconds until the next; None: nothing waits."""
        return None

    def pump(self, c, source):
        data = source.recv(65536)
        if not data:
            return False
        c.buffers[source] += data
        hand_on = self.from_client if source is c.client else self.from_store
        return all(hand_on(c, m) for m in messages(c.buffers[source]))

    def accept(self):
        client = self.listener.accept()[0]
        try:
            self.connections.append(self.connection(client, self.store_path))
        except OSError:  # there is no store at the moment
            client.close()

    def end(self, c):
        c.close()
        self.connections.remove(c)
        self.closed(c)

    def run(self):
        while True:
            patience = self.due()  # it may end connections
            sources = {s: c for c in self.connections for s in (c.client, c.store)}
            for s in select.select(list(sources) + [self.listener, self.over], [], [], patience)[0]:
                if s is self.over:
                    for c in self.connections:
                        c.close()
                    self.listener.close()
                    return
                if s is self.listener:
                    self.accept()
                    continue
                c = sources[s]
                if c not in self.connections:
                    continue
                try:
                    alive = self.pump(c, s)
                except OSError:
                    alive = False
                if not alive:
                    self.end(c)
