# SPDX-License-Identifier: MIT
"""The players of one guest: its toolstack, which writes what libxl does, and its drivers, which are good or mad."""
import random
import threading
import time

from world import TYPES, Client

CLOSED_WITHIN = 1.0  # what the toolstack waits at most, in seconds


def b_of(kind, domid, devid):
    return f"/local/domain/0/backend/{kind}/{domid}/{devid}"


def f_of(kind, domid, devid):
    return f"/local/domain/{domid}/device/{TYPES[kind]}/{devid}"


def drop(store, path, tx):
    """The node and the directories that this leaves empty, short of `backend` and `device`."""
    store.remove(path, tx=tx)
    path = path.rpartition("/")[0]
    while path.count("/") > 4 and not store.names(path, tx):
        store.remove(path, tx=tx)
        path = path.rpartition("/")[0]


class Player(threading.Thread):
    def __init__(self, world, seed, watches=()):
        super().__init__(daemon=True)
        self.world, self.random = world, random.Random(seed)
        self.client = Client(world, watches)
        self.over = threading.Event()

    def run(self):
        try:
            self.play()
        except BaseException as error:  # pylint: disable=broad-except
            self.world.fail(f"{type(self).__name__}: {error!r}")
            raise

    def transaction(self, work):
        return self.client.do(lambda store: store.transaction(lambda tx: work(store, tx)))


class Toolstack(Player):
    def __init__(self, world, seed, domid, devices, pause):
        super().__init__(world, seed)
        self.domid, self.pause = domid, pause
        self.devices = [(kind, devid) for kind in TYPES for devid in range(devices)]
        self.attached = set()
        self.used = set()  # every device there ever was, with its domain

    def count(self, what):
        self.world.counts[what] += 1

    # ---- one transaction each

    def make_domain(self):
        path = f"/local/domain/{self.domid}"

        def work(store, tx):
            store.make(path, "n0", tx=tx)
            store.make(path + "/device", "n0", tx=tx)
            store.write(path + "/domid", self.domid, tx=tx)

        self.transaction(work)

    def write_device(self, store, tx, kind, devid):
        b, f = b_of(kind, self.domid, devid), f_of(kind, self.domid, devid)
        store.make(f, "n0", tx=tx)
        store.make(b, "n0", tx=tx)
        for key, value in (("backend", b), ("backend-id", 0), ("state", 1)):
            store.write(f"{f}/{key}", value, tx=tx)
        for key, value in (("frontend", f), ("frontend-id", self.domid), ("params", f"raw:/disk.{f}"), ("online", 1), ("state", 1)):
            store.write(f"{b}/{key}", value, tx=tx)

    def attach(self, kind, devid, again=False):
        def work(store, tx):
            if again:
                drop(store, f_of(kind, self.domid, devid), tx)
                drop(store, b_of(kind, self.domid, devid), tx)
            self.write_device(store, tx, kind, devid)

        self.transaction(work)
        self.attached.add((kind, devid))
        self.used.add((kind, self.domid, devid))
        self.count("recreated" if again else "attached")

    def offline(self, kind, devid):
        b = b_of(kind, self.domid, devid)

        def work(store, tx):
            state = store.read(b + "/state", tx)
            if state is None:
                return
            store.write(b + "/online", 0, tx=tx)
            if state != "6":
                store.write(b + "/state", 5, tx=tx)

        self.transaction(work)

    def remove(self, *paths):
        self.transaction(lambda store, tx: [drop(store, path, tx) for path in paths])

    # ---- several

    def await_closed(self, kind, devid):
        end = time.monotonic() + self.random.random() * CLOSED_WITHIN
        path = b_of(kind, self.domid, devid) + "/state"
        while time.monotonic() < end and self.client.do(lambda store: store.read(path)) not in (None, "6"):
            time.sleep(0.01)

    def detach(self, kind, devid):
        b, f = b_of(kind, self.domid, devid), f_of(kind, self.domid, devid)
        way = self.random.randrange(6)
        if way == 0:  # tired of waiting: Closed, with online as it was
            self.client.do(lambda store: store.read(b + "/state") and store.write(b + "/state", 6))
            self.remove(f, b)
        elif way == 1:  # by force: F goes first
            self.offline(kind, devid)
            self.remove(f)
            self.await_closed(kind, devid)
            self.remove(b)
        elif way == 2:  # as in a driver domain: who serves it removes B
            self.offline(kind, devid)
            self.await_closed(kind, devid)
            self.remove(f)
        else:
            self.offline(kind, devid)
            self.await_closed(kind, devid)
            self.remove(f, b)
        self.attached.discard((kind, devid))
        self.count("detached")

    def end_domain(self):
        """A crash, or `xl destroy`; B of some is forgotten when the number is not used again."""
        self.client.do(lambda store: store.remove(f"/local/domain/{self.domid}"))
        again = self.random.random() < 0.3
        for kind, devid in sorted(self.attached):
            if not again and self.random.random() < 0.2:
                self.count("forgotten")
                continue
            self.offline(kind, devid)
            self.await_closed(kind, devid)
            self.remove(b_of(kind, self.domid, devid))
        self.attached.clear()
        if not again:
            self.domid += 100
        self.make_domain()
        self.count("domains ended")

    def play(self):
        self.make_domain()
        while not self.over.is_set():
            kind, devid = self.random.choice(self.devices)
            if self.random.random() < 0.02:
                self.end_domain()
            elif (kind, devid) not in self.attached:
                self.attach(kind, devid)
            elif self.random.random() < 0.2:
                self.attach(kind, devid, again=True)
            else:
                self.detach(kind, devid)
            self.over.wait(self.random.random() * self.pause)

    def leave(self):
        """Nothing stays attached, and the domain ends."""
        for kind, devid in sorted(self.attached):
            self.detach(kind, devid)
        self.client.do(lambda store: store.remove(f"/local/domain/{self.domid}"))


class Guest(Player):
    """The drivers of one domain after the other, whichever its toolstack has."""

    def __init__(self, world, seed, toolstack, pause):
        super().__init__(world, seed)
        self.toolstack, self.pause = toolstack, pause
        self.domid = None
        self.good = threading.Event()  # from now on
        self.muted = {}  # until when

    def f_state(self, store, f, tx, state, ring=None):
        if ring:
            store.write(f + "/ring-ref", ring, tx=tx)
            store.write(f + "/event-channel", self.random.randrange(1, 1000), tx=tx)
        store.write(f + "/state", state, tx=tx)

    def drive(self, kind, devid):
        """What Linux does next, if anything."""
        f, b = f_of(kind, self.domid, devid), b_of(kind, self.domid, devid)

        def work(store, tx):
            if store.read(f + "/backend", tx) is None:
                return  # to write would make it again
            there, here, ring = store.read(b + "/state", tx), store.read(f + "/state", tx), None
            ready = (store.read(f + "/ring-ref", tx) or "x").isdigit()
            if there == "5" and here != "6":
                here = 6
            elif here in ("1", "2") and there == "2" or here in ("3", "4") and there in ("2", "6") and not ready:
                here, ring = 3, self.random.randrange(1, 100000)
            elif here == "3" and there == "4":
                here = 4
            elif here == "4" and there == "4" and not ready:  # what it wrote when it was mad
                here = 5
            elif here == "5" and there in ("1", "6", None) or here == "4" and there == "6":
                here = 6
            elif here not in ("1", "2", "3", "4", "5", "6") or here == "6" and there in ("1", "6") \
                    and store.read(b + "/online", tx) == "1":
                here = 1
            else:
                return
            self.f_state(store, f, tx, here, ring)

        self.transaction(work)

    def rave(self, kind, devid):
        f, ring = f_of(kind, self.domid, devid), self.random.randrange(1, 100000)
        state, ring = self.random.choice([(5, None), (1, None), (3, ring), (4, ring), (3, "x"), ("x", None), (6, None),
                                          (self.random.randrange(9), None)])
        self.transaction(lambda store, tx: store.read(f + "/backend", tx) and self.f_state(store, f, tx, state, ring))
        self.world.counts["guests' follies"] += 1
        if self.random.random() < 0.3:
            self.muted[kind, devid] = time.monotonic() + self.random.random()

    def play(self):
        fronts = {TYPES[kind]: kind for kind in TYPES}
        dirty, swept, folly = set(), 0, 0
        while not self.over.is_set():
            if self.domid != self.toolstack.domid:
                self.domid = self.toolstack.domid
                self.client.close()
                self.client.watches = [f"/local/domain/{self.domid}/device"] + [
                    f"/local/domain/0/backend/{kind}/{self.domid}" for kind in TYPES]
            path = self.client.event(0.05)
            words = (path or "").split("/")
            if len(words) > 7 and words[4] == "backend" and words[7].isdigit():
                dirty.add((words[5], int(words[7])))
            elif len(words) > 6 and words[4] == "device" and words[5] in fronts and words[6].isdigit():
                dirty.add((fronts[words[5]], int(words[6])))
            now = time.monotonic()
            good = self.good.is_set()
            if path == "" or now - swept > 0.5:
                dirty.update(self.toolstack.devices)
                swept = now
            if not good and now > folly:
                folly = now + self.random.random() * self.pause
                self.rave(*self.random.choice(self.toolstack.devices))
            if path is None or len(dirty) > 20:
                for device in sorted(dirty):
                    if good or self.muted.get(device, 0) < now:
                        self.drive(*device)
                dirty.clear()
