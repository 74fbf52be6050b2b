# SPDX-License-Identifier: MIT
"""What the players play in: a store that dies and comes back, xenrecon, its workers, and policies that change."""
import collections
import contextlib
import glob
import os
import signal
import subprocess
import threading
import time

from odd_store import OddStore, Rules
from sanitizers import FOR_WORKERS
from store import Store, StoreError, StoreLost

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("RIG_BUILD", REPO + "/build")
TYPES = {"qdisk": "vbd", "vwork": "vwork"}  # and their frontends' directories

HANDSHAKE = """owner: xenrecon
backend-keys:
  params: {required: true, match: '^raw:/'}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
  event-channel: {type: uint32, required: connect}
hold: {closed: 100ms}
retry: {initial: 20ms, max: 500ms}
orphan: {grace: 1s, action: remove}
limits: {events-per-second: 500, burst: 1000}
"""
HASTE = "deadlines: {create: 3s, connect: 3s, close: 3s}\n"
PATIENCE = "deadlines: {create: 60s, connect: 60s, close: 60s}\n"
POLICIES = {
    "qdisk": "version: 1\ntype: qdisk\nfrontend: vbd\n" + HANDSHAKE + "publish: {feature-flush-cache: 1}\n",
    "vwork": "version: 1\ntype: vwork\n" + HANDSHAKE + HASTE +
             "worker: {command: [%s/test/chaos/worker, %s/crew], environment: %s}\n",
}


def state_of(pid):
    """A letter, as in proc(5); X when there is none."""
    try:
        return open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace").read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


class Gate:
    """Players pass it in crowds, and whoever wants to be alone waits until all are out."""

    def __init__(self):
        self.changed = threading.Condition()
        self.inside = 0
        self.shut = False

    @contextlib.contextmanager
    def turn(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.shut)
            self.inside += 1
        try:
            yield
        finally:
            with self.changed:
                self.inside -= 1
                self.changed.notify_all()

    @contextlib.contextmanager
    def alone(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.shut)
            self.shut = True
            self.changed.wait_for(lambda: self.inside == 0)
        try:
            yield
        finally:
            with self.changed:
                self.shut = False
                self.changed.notify_all()


class Client:
    """A player's connection, of which it has another when the store had to be started again."""

    def __init__(self, world, watches=()):
        self.world, self.watches, self.store = world, list(watches), None

    def close(self):
        if self.store:
            self.store.close()
        self.store = None

    def _connected(self):
        if not self.store:
            self.store = Store(self.world.socket)
            for path in self.watches:
                self.store.watch(path, "w")
        return self.store

    def do(self, work):
        """work(store), which changes nothing or all: it is done again when the store was lost, or changed hands."""
        for attempt in range(1000):
            try:
                with self.world.gate.turn():
                    return work(self._connected())
            except StoreLost:
                self.close()
            except StoreError:  # of a live update, which ends transactions
                self.close()
                if attempt > 100:
                    raise
            time.sleep(0.01)
        raise StoreLost("for ever")

    def event(self, seconds):
        """The path, or None; "" when everything has to be looked at."""
        try:
            if not self.store:
                with self.world.gate.turn():
                    self._connected()
                return ""
            event = self.store.next_event(seconds)
            return event and event[0]
        except (StoreLost, StoreError):
            self.close()
            time.sleep(0.01)
            return ""


def cache():
    """Where what was downloaded is, as test/lib/cache.sh has it."""
    return subprocess.run(["bash", "-c", '. "$0/test/lib/cache.sh"; echo "$cache"', REPO], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


class World:
    def __init__(self, folder, trace):
        self.dir, self.socket = folder, folder + "/socket"
        self.run, self.policies = folder + "/run", folder + "/policies"
        self.gate = Gate()
        self.counts = collections.Counter()
        self.failures = []
        self.patient = False  # from the next policy on: nobody is killed for being slow, who may lack a processor
        self.process = None
        self.odd = OddStore(folder + "/odd", self.socket, Rules(), lambda line: None)
        self.trace = ["--trace-file", folder + "/trace"] if trace else []
        self.xenrecon = os.environ.get("XENRECON", REPO + "/build/xenrecon").split()
        self.tools = glob.glob(cache() + "/xen/usr/lib/xen-*/bin")[0]
        for path in (self.policies, folder + "/crew"):
            os.makedirs(path, exist_ok=True)
        self.mischief(True)
        for name in POLICIES:
            self.set_policy(name, True)

    def mischief(self, on):
        if on:
            open(self.dir + "/crew/mischief", "w").close()
        else:
            os.unlink(self.dir + "/crew/mischief")

    def fail(self, what):
        self.failures.append(what)

    # ---- the store

    def store_sh(self, command):
        return subprocess.run([REPO + "/test/rig/store.sh", command, self.dir] + self.trace, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def start_store(self):
        self.store_sh("start")

    def store_pid(self):
        return int(open(self.dir + "/pid").read())

    def resurrect_store(self, late):
        """It is killed, and started again with what it had. late: xenrecon sees it empty first."""
        with self.gate.alone(), self.frozen():
            store = Store(self.socket)
            nodes = None
            while nodes != (nodes := store.tree()):  # until what xenrecon had asked for is done
                pass
            pid = self.store_pid()
            os.kill(pid, signal.SIGKILL)
            while state_of(pid) not in "XZ":
                time.sleep(0.001)
            self.start_store()
            if late and self.process:
                self.process.send_signal(signal.SIGCONT)
            store = Store(self.socket)
            # What lies in one comes at once, as a toolstack would write it. Guests come first: a backend that waits for
            # its frontend's domain longer than `orphan` says is removed.
            domains = collections.defaultdict(list)
            for path in nodes:
                words = path.split("/")
                domains["/".join(words[:7 if words[3:5] == ["0", "backend"] else 4])].append(path)
            for _, paths in sorted(domains.items(), key=lambda item: "/backend/" in item[0]):
                store.transaction(lambda tx, paths=paths: [self.restore(store, path, nodes[path], tx) for path in paths])
        self.counts["store killed"] += 1

    @staticmethod
    def restore(store, path, value, tx):
        if value:
            store.write(path, value, tx=tx)
        else:
            store.make(path, tx=tx)

    def be_odd(self, *rules):
        """The store that xenrecon sees."""
        self.odd.rules = Rules(rules)
        self.counts["store odd"] += bool(rules)

    def update_store(self):
        options = self.store_sh("options")
        done = subprocess.run([self.tools + "/xenstore-control", "live-update", "-F", "-t", "30", "-c", options,
                               self.tools + "/xenstored"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=100)
        self.counts["store updated" if done.returncode == 0 else "store not updated"] += 1

    # ---- xenrecon

    def start_xenrecon(self):
        """It is not waited for."""
        log = open(self.dir + "/xenrecon.log", "ab")
        self.process = subprocess.Popen(
            self.xenrecon + ["run", "--resync", "0", "--runtime-dir", self.run, "--policies", self.policies],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, XENSTORED_PATH=self.odd.path))
        log.close()

    def end_xenrecon(self, number):
        if self.process.poll() is not None:
            self.fail(f"xenrecon ended by itself: status {self.process.returncode}")
        self.process.send_signal(number)
        try:
            status = self.process.wait(100)
        except subprocess.TimeoutExpired:
            status = "it does not end"
            self.process.kill()
            self.process.wait()
        if status not in ([-number] if number == signal.SIGKILL else [0, -number]):  # it may have no handler yet
            self.fail(f"xenrecon ended with {status} on signal {number}")
        self.process = None

    @contextlib.contextmanager
    def frozen(self):
        """Not in the middle of anything but what it has asked the store for."""
        if not self.process or self.process.poll() is not None:
            yield
            return
        self.process.send_signal(signal.SIGSTOP)
        while state_of(self.process.pid) not in "TXZ":
            time.sleep(0.001)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def hears(self, number):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            caught = [line.split()[1] for line in file if line.startswith("SigCgt:")][0]
        return int(caught, 16) >> (number - 1) & 1

    def set_policy(self, name, there):
        path = f"{self.policies}/{name}.yaml"
        if not there:
            os.unlink(path)
            return
        text = POLICIES[name].replace(HASTE, PATIENCE if self.patient else HASTE)
        with open(path + "~", "w", encoding="ascii") as file:
            file.write(text % (BUILD, self.dir, FOR_WORKERS) if "%s" in text else text)
        os.rename(path + "~", path)

    def hang_up(self):
        """Once it would hear it: a service manager waits until it is ready."""
        end = time.monotonic() + 100
        while not self.hears(signal.SIGHUP) and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        self.process.send_signal(signal.SIGHUP)

    # ---- workers

    def workers(self):
        """The device of each process, by its number."""
        mine = f"XENRECON_SOCKET={self.run}/worker/socket".encode()
        found = {}
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                words = open(path, "rb").read().split(b"\0")
            except OSError:
                continue
            if mine in words:
                device = [word[16:].decode() for word in words if word.startswith(b"XENRECON_DEVICE=")]
                found[int(path.split("/")[2])] = device[0]
        return found
