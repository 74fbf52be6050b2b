#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An odd store:   odd_store.py SOCKET STORE RULE...

It listens at SOCKET, has the real store at STORE do the work, and answers as the rules say. KIND is a request, such as READ,
or `any`.

  drop=KIND[/N[/K]]         the answer to (each N-th request of, but for the first K) this kind never comes
  refuse=KIND:ERROR         such requests are refused; the store never hears of them
  nameless=KIND             likewise with ENOSYS, under the id 0
  invent=N                  after each N-th answer comes something that nobody asked for, each time something else
  delay=MS[:KIND]           answers come so many milliseconds later, and later ones overtake them
  hangup=N                  hangs up after N messages, of both sides together
  one-transaction[=ERROR]   whoever begins a second one at a time is refused: EBUSY
  no-isolation              what is written in a transaction is there at once, and its end does nothing
  intrude=N                 just before the N-th value called "state" is written its directory is removed
  spoil=KEY:VALUE           just before the end of a transaction that has written a "state", this key beside it is written
                            by somebody else; SIGUSR1 ends it, and begins it again
  no-first-event            the first event of each watch does not come

It prints a line for each connection, and for each thing that it did so, with a count."""
import collections
import heapq
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../lib")

# pylint: disable=wrong-import-position
import store_proxy
from store_proxy import ERROR, EVENT, NAMES, Message, message

START, END, WATCH, WRITE, RM = 6, 7, 4, 11, 13
OURS = 0xfffffffe  # the id of a request that the client knows nothing of
FIRST_TX = 0x40000000  # of those that are no transactions at all
STRANGE = [message(2, 0x7fffff7f, 0, b"value"), message(99, 3, 0, b"?\0"), message(EVENT, 0, 0, b"/no/token\0"),
           message(ERROR, 0, 0, b"ENOSYS\0"), message(6, 0x7fffffff, 0, b"5\0"), message(1, 1 << 31, 0, b""),
           message(17, 0x7ffffeff, 0, b"T\0")]


class Rules:
    """What is odd. As long as nothing was added, nothing is."""

    def __init__(self, words=()):
        self.drop, self.refuse, self.nameless, self.delay = {}, {}, set(), {}
        self.invent = self.hangup = self.intrude = 0
        self.one_transaction, self.no_isolation, self.no_first_event = None, False, False
        self.spoil = None  # key, value
        for word in words:
            self.add(word)

    def add(self, word):
        name, _, value = word.partition("=")
        what, _, more = value.partition(":")
        if name == "drop":
            kind, *numbers = value.split("/")
            self.drop[kind] = tuple(map(int, numbers)) + (1, 0)[len(numbers):]
        elif name == "refuse" and more:
            self.refuse[what] = more
        elif name == "nameless":
            self.nameless.add(value)
        elif name == "delay":
            self.delay[more or "any"] = int(what) / 1000
        elif name in ("invent", "hangup", "intrude") and int(value) > 0:
            setattr(self, name, int(value))
        elif name == "one-transaction":
            self.one_transaction = value or "EBUSY"
        elif name == "spoil" and more:
            self.spoil = what.encode(), more.encode()
        elif name in ("no-isolation", "no-first-event") and not value:
            setattr(self, name.replace("-", "_"), True)
        else:
            raise ValueError(f"no rule: {word}")


class Connection(store_proxy.Connection):
    def __init__(self, client, path):
        super().__init__(client, path)
        self.messages, self.answers = 0, 0
        self.kinds = {}  # of requests without an answer, by id
        self.unheard = set()  # ids whose answers never come
        self.wrote = {}  # the directory of a "state" that was written in a transaction
        self.watches = collections.Counter()  # tokens whose first event is to be kept back


class OddStore(store_proxy.StoreProxy):
    connection = Connection

    def __init__(self, path, store, rules, told=lambda line: print(line, flush=True)):
        super().__init__(path, store)
        self.rules, self.counts, self.told = rules, collections.Counter(), told
        self.asked = collections.Counter()
        self.holder = None  # of the only transaction: a connection
        self.tx = FIRST_TX
        self.late = []  # answers: when, a number, connection, message
        self.start()

    def did(self, what):
        self.counts[what] += 1
        self.told(f"{what} {self.counts[what]}")

    def accept(self):
        self.did("connected")
        super().accept()

    def counted(self, c):
        """False: that was one too many."""
        c.messages += 1
        if self.rules.hangup and c.messages >= self.rules.hangup:
            self.did("hung up")
            return False
        return True

    # ---- requests

    def dropped(self, kind):
        for which in (kind, "any"):
            if which in self.rules.drop:
                each, first = self.rules.drop[which]
                self.asked[which] += 1
                if self.asked[which] > first and (self.asked[which] - first) % each == 0:
                    self.did(f"dropped {kind}")
                    return True
        return False

    def answer(self, c, m, body, kind=None):
        """In place of the store."""
        return self.from_store(c, Message(kind or m.kind, m.ident, m.tx, message(kind or m.kind, m.ident, m.tx, body)))

    def refused(self, c, m, kind):
        """What it is answered instead of being done; None: nothing."""
        if kind in self.rules.refuse:
            return self.rules.refuse[kind]
        return self.rules.one_transaction if m.kind == START and self.holder else None

    def from_client(self, c, m):
        kind = NAMES.get(m.kind, str(m.kind))
        if not self.counted(c):
            return False
        c.kinds[m.ident] = kind
        if kind in self.rules.nameless:
            self.did(f"nameless {kind}")
            c.client.sendall(message(ERROR, 0, 0, b"ENOSYS\0"))
            return True
        error = self.refused(c, m, kind)
        if error:
            self.did(f"refused {kind}")
            return self.answer(c, m, error.encode() + b"\0", ERROR)
        if self.dropped(kind):
            c.unheard.add(m.ident)
        if m.kind == START:
            self.holder = c
        if m.kind == END and self.holder is c:
            self.holder = None
        if m.kind == WATCH:
            c.watches[m.whole[16:].split(b"\0")[1]] += self.rules.no_first_event
        if m.kind == START and self.rules.no_isolation:
            self.tx += 1
            return self.answer(c, m, b"%d\0" % self.tx)
        if m.tx > FIRST_TX and m.kind == END:
            return self.answer(c, m, b"OK\0")
        if m.kind == WRITE and self.rules.intrude:
            self.intrude(c, m.whole[16:].split(b"\0")[0])
        if self.rules.spoil:
            self.spoil(c, m)
        whole = message(m.kind, m.ident, 0, m.whole[16:]) if m.tx > FIRST_TX else m.whole
        c.store.sendall(whole)
        return True

    def intrude(self, c, path):
        directory, _, name = path.rpartition(b"/")
        if name != b"state":
            return
        self.rules.intrude -= 1
        if not self.rules.intrude:
            self.did("intruded")
            c.store.sendall(message(RM, OURS, 0, directory + b"\0"))

    def spoil(self, c, m):
        directory, _, name = m.whole[16:].split(b"\0")[0].rpartition(b"/")
        if m.kind == WRITE and m.tx and name == b"state":
            c.wrote[m.tx] = directory
        written = c.wrote.pop(m.tx, None) if m.kind == END else None
        if written:
            self.did("spoiled")
            key, value = self.rules.spoil
            c.store.sendall(message(WRITE, OURS, 0, written + b"/" + key + b"\0" + value))

    # ---- answers and events

    def event_kept_back(self, c, m):
        token = m.whole[16:].split(b"\0")[1]
        if not c.watches[token]:
            return False
        c.watches[token] -= 1
        return True

    def deliver(self, c, m):
        c.client.sendall(m.whole)
        if m.kind == EVENT:
            return True
        c.answers += 1
        if self.rules.invent and c.answers % self.rules.invent == 0:
            self.did("invented")
            c.client.sendall(STRANGE[self.counts["invented"] % len(STRANGE)])
        return True

    def from_store(self, c, m):
        if not self.counted(c):
            return False
        if m.kind == EVENT:
            return self.event_kept_back(c, m) or self.deliver(c, m)
        if m.ident == OURS:
            return True
        kind = c.kinds.pop(m.ident, "?")
        if m.ident in c.unheard:
            c.unheard.discard(m.ident)
            return True
        delay = self.rules.delay.get(kind, self.rules.delay.get("any"))
        if not delay:
            return self.deliver(c, m)
        heapq.heappush(self.late, (time.monotonic() + delay, self.counts["late"], c, m))
        self.counts["late"] += 1
        return True

    def due(self):
        while self.late and self.late[0][0] <= time.monotonic():
            _, _, c, m = heapq.heappop(self.late)
            try:
                if c in self.connections:
                    self.deliver(c, m)
            except OSError:
                self.end(c)
        return max(0, self.late[0][0] - time.monotonic()) if self.late else None

    def closed(self, c):
        if self.holder is c:
            self.holder = None


if __name__ == "__main__":
    RULES = Rules(sys.argv[3:])
    SPOIL = RULES.spoil
    signal.signal(signal.SIGUSR1, lambda *_: setattr(RULES, "spoil", None if RULES.spoil else SPOIL))
    OddStore(sys.argv[1], sys.argv[2], RULES).join()
