# SPDX-License-Identifier: MIT
"""Stands between a client and its store: hands on what they say, counts the requests, and lets one of them go wrong."""
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../lib")

# pylint: disable=wrong-import-position
import store_proxy
from store_proxy import ERROR, EVENT, NAMES, message

OURS = 0xfffffffe  # the id of a request that the client knows nothing of


class Connection(store_proxy.Connection):
    cut = None  # the request that is not to be answered any more


class Proxy(store_proxy.StoreProxy):
    """at: the N-th request, or the N-th of a kind as "DIRECTORY.1". how: an error's name, answered in place of the store; `lost`, the connection, before the request is handed on;
    `unheard`, after it was, and was answered."""
    connection = Connection

    def __init__(self, path, store):
        super().__init__(path, store)
        self.requests, self.kinds = 0, collections.Counter()
        self.fault_at, self.fault_how, self.injected = 0, None, False
        self.start()

    def set(self, at, how):
        self.requests, self.kinds, self.injected = 0, collections.Counter(), False
        self.fault_at, self.fault_how = at, how

    def from_client(self, c, m):
        self.requests += 1
        name = NAMES.get(m.kind, str(m.kind))
        self.kinds[name] += 1
        if self.injected or self.fault_at not in (self.requests, f"{name}.{self.kinds[name]}"):
            return super().from_client(c, m)
        self.injected = True
        if self.fault_how == "lost":
            return False
        if self.fault_how == "unheard":
            c.cut = m.ident
            return super().from_client(c, m)
        if m.kind == 7:  # a refused end ends it all the same
            c.store.sendall(message(7, OURS, m.tx, b"F\0"))
        c.client.sendall(message(ERROR, m.ident, m.tx, self.fault_how.encode() + b"\0"))
        return True

    def from_store(self, c, m):
        if m.kind != EVENT and m.ident == OURS:
            return True
        if m.kind != EVENT and m.ident == c.cut:
            return False
        return super().from_store(c, m)
