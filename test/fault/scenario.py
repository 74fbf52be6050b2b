# SPDX-License-Identifier: MIT
"""One life of three devices, of which one has a worker and one a hotplug script, with everybody else behaving: served at
the start, attached, connected, closed and connected again, a worker killed, policies reloaded, status and history asked
for, xenrecon killed and started again, detached. It may go wrong once; then it has to go on."""
import glob
import json
import os
import re
import signal
import socket
import subprocess
import time

from sanitizers import FOR_WORKERS
from store import Store

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("RIG_BUILD", REPO + "/build")
XENRECON = os.environ.get("XENRECON", REPO + "/build/xenrecon").split()
PATIENCE = 100  # seconds; a worker has 10 to come back
COMMON = "retry: {initial: 10ms, max: 100ms}\nhold: {closed: 50ms}\n"
HANDSHAKE = COMMON + """owner: xenrecon
backend-keys: {params: {required: true}}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
"""
POLICIES = {
    "qdisk": "version: 1\ntype: qdisk\nfrontend: vbd\n" + HANDSHAKE + "publish: {feature-flush-cache: 1}\n",
    "vwork": "version: 1\ntype: vwork\n" + HANDSHAKE + "worker: {command: [%(build)s/test/chaos/worker, %(dir)s/crew], environment: %(told)s}\n",
    "vif": "version: 1\ntype: vif\nowner: kernel\n" + COMMON +
           "hotplug: {run: true, directory: %(dir)s/scripts, in-dom0: true}\n",
}
SCRIPT = "#!/bin/sh\necho $XENBUS_PATH $1 >>%(dir)s/ran\n"
DISK, WORK, NET = ("qdisk", 1), ("vwork", 0), ("vif", 2)
FRONTS = {"qdisk": "vbd"}


class Failure(Exception):
    pass


def b_of(device):
    return "/local/domain/0/backend/%s/7/%d" % device


def f_of(device):
    return "/local/domain/7/device/%s/%d" % (FRONTS.get(device[0], device[0]), device[1])


class Scenario:
    """In a folder with a store; xenrecon speaks to the store at `path`, in `env`."""

    def __init__(self, folder, path, env):
        self.dir, self.path, self.env = folder, path, env
        self.run_dir, self.policies = folder + "/run", folder + "/policies"
        self.store = Store(folder + "/socket")
        self.process, self.ends = None, []  # ends: how it ended where it should not have
        self.left = []  # empty directories
        self.aborted = False  # at the very end: nothing could be written after that
        self.again = 0  # when it may be started again for what it said
        self.log = folder + "/xenrecon.log"

    # ---- xenrecon

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                XENRECON + ["run", "--resync", "0", "--runtime-dir", self.run_dir, "--policies", self.policies,
                            "--metrics-file", self.dir + "/metrics.prom"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, XENSTORED_PATH=self.path, **self.env))

    def alive(self):
        """It is started again, as a service manager would, if it ended."""
        if self.process.poll() is None:
            return
        self.ends.append(self.process.returncode)
        if len(self.ends) > 1:
            raise Failure(f"it ended again: {self.ends}")
        self.start()

    def end(self, number):
        self.process.send_signal(number)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"it does not end on signal {number}") from error
        if status not in (0, -number):
            self.ends.append(status)
        return status

    def state(self):
        """As in proc(5): T is not its own fault."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def await_true(self, what, test):
        end = time.monotonic() + PATIENCE
        while not (result := test()):
            self.alive()
            if time.monotonic() > end:
                raise Failure(f"waited in vain for {what}; its state: {self.state()}")
            time.sleep(0.003)
        return result

    def await_state(self, device, *states):
        self.await_true(f"{device[0]} in {states}", lambda: self.store.read(b_of(device) + "/state") in states)

    def read_log(self, begun, what):
        """Who reads such a line starts it again, and gives it the time to do better."""
        if time.monotonic() > max(begun + 1, self.again) and what in open(self.log, encoding="ascii").read():
            self.end(signal.SIGTERM)
            self.start()
            self.again = time.monotonic() + 5

    def ask(self, request):
        """The control socket's answer, which has to come in the end."""

        begun = time.monotonic()

        def answer():
            self.read_log(begun, "nobody can ask how it goes")
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                try:
                    s.connect(self.run_dir + "/control")
                    s.sendall(json.dumps({"protocol": 1, "request": request, "device": "vwork/7/0"}).encode() + b"\n")
                    text = b""
                    while b'{"end":' not in text and b'{"error":' not in text:
                        part = s.recv(65536)
                        if not part:
                            raise OSError("closed")
                        text += part
                    return b'{"end":' in text
                except OSError:
                    return False

        self.await_true(f"an answer to {request}", answer)

    def worker(self):
        """Its number, as it is on record, while it lives; or None."""
        try:
            record = open(self.run_dir + "/workers/vwork.7.0", encoding="ascii").read()
            pid = int(re.search(r"^pid ([0-9]+)$", record, re.MULTILINE).group(1))
            return None if open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[0] in "ZX" else pid
        except (OSError, AttributeError):
            return None

    @staticmethod
    def reaped(pid):
        """What init does for those whose parent was killed; True."""
        try:
            os.waitpid(pid, os.WNOHANG)
        except (ChildProcessError, TypeError):
            pass
        return True

    def crew(self):
        """All that run."""
        crew = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                words = open(path, "rb").read().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [self.dir.encode() + b"/crew"]:
                crew.append(int(path.split("/")[2]))
        return crew

    # ---- the others

    def put(self, *pairs):
        def work(tx):
            for path, value in pairs:
                self.store.write(path, value, tx=tx)

        self.store.transaction(work)

    def attach(self, device, **keys):
        b, f = b_of(device), f_of(device)
        self.put((f + "/backend", b), (f + "/backend-id", 0), (f + "/state", 1), (b + "/frontend", f),
                 (b + "/frontend-id", 7), *((f"{b}/{key}", value) for key, value in keys.items()),
                 (b + "/online", 1), (b + "/state", 1))

    def front(self, device, state, ring=None):
        f = f_of(device)
        self.put(*([(f + "/ring-ref", ring)] if ring else []), (f + "/state", state))

    def connect(self, device, ring):
        self.await_state(device, "2")
        self.front(device, 3, ring)
        self.await_state(device, "4")
        self.front(device, 4)

    def detach(self, device):
        self.put((b_of(device) + "/online", 0), (b_of(device) + "/state", 5))

    def gone(self, device):
        self.await_true(f"{device[0]} to be gone", lambda: self.store.read(b_of(device)) is None)

    def wipe(self):
        """As after a boot."""
        for name in self.store.names("/local"):
            self.store.remove("/local/" + name)
        self.store.write("/local/domain/0/domid", 0)
        self.store.make("/local/domain/0/backend")
        self.store.write("/local/domain/7/domid", 7)
        self.store.make("/local/domain/7/device")
        for pid in self.crew():
            os.kill(pid, signal.SIGKILL)
        subprocess.run(["rm", "-rf", self.run_dir, self.policies, self.dir + "/crew", self.dir + "/scripts", self.log,
                        self.dir + "/ran", self.dir + "/metrics.prom"], check=True)
        for name in ("policies", "crew", "scripts"):
            os.mkdir(f"{self.dir}/{name}", 0o755)
        for name, text in POLICIES.items():
            with open(f"{self.policies}/{name}.yaml", "w", encoding="ascii") as file:
                file.write(text % {"build": BUILD, "dir": self.dir, "told": FOR_WORKERS})
        with open(self.dir + "/scripts/vif", "w", encoding="ascii") as file:
            file.write(SCRIPT % {"dir": self.dir})
        os.chmod(self.dir + "/scripts/vif", 0o755)

    def tree(self):
        """With what differs each time left out."""
        tree = {path: value.replace(self.dir, "DIR") for path, value in self.store.tree("/local").items()}
        return {path: re.sub(r"^[0-9a-f]{16} ", "ID ", value) if path.endswith("/xenrecon") else value
                for path, value in tree.items()}

    def served(self):
        """Each device has a worker that should have one, with what its guest shows."""
        try:
            state = open(self.run_dir + "/workers/vwork.7.0.state", encoding="ascii").read().split()
        except OSError:
            return False
        marker = (self.store.read(b_of(WORK) + "/xenrecon") or "").split()
        return self.worker() is not None and state[1:] == ["21"] and marker[2:] == state[:1]

    # ---- what happens

    def play(self, want):
        """want: what the store is to look like in the middle, or None; what it looks like."""
        self.attach(DISK, params="x")
        self.start()
        self.connect(DISK, 10)
        self.attach(WORK, params="x")
        self.attach(NET, script=self.dir + "/scripts/vif")
        self.front(NET, 4)
        self.put((b_of(NET) + "/state", 2))
        self.connect(WORK, 20)
        self.process.send_signal(signal.SIGHUP)
        for request in ("status", "history"):
            self.ask(request)
        self.front(WORK, 5)
        self.await_state(WORK, "5", "6")
        self.front(WORK, 6)
        self.await_state(WORK, "6")
        self.front(WORK, 1)
        self.connect(WORK, 21)
        self.await_true("the script", lambda: self.store.read(b_of(NET) + "/hotplug-status") == "connected")
        self.await_true("the worker", self.served)
        before = self.worker()
        os.kill(before, signal.SIGKILL)
        self.await_true("another worker", lambda: self.worker() not in (None, before) and self.served())
        self.alive()
        self.end(signal.SIGKILL)
        self.start()
        self.ask("status")
        self.await_true("all to be served again", self.served)
        got, last = self.tree(), self.worker()
        if want:
            self.await_true("the store to be as it is without faults", lambda: self.tree() == want)
        for device in (DISK, WORK, NET):
            self.detach(device)
        for device in (DISK, WORK):
            self.front(device, 6)
        self.put((b_of(NET) + "/state", 6))
        self.await_true("the script that takes it down", lambda: "offline" in open(self.dir + "/ran", encoding="ascii").read())
        self.store.remove("/local/domain/0/backend/vif")  # in dom0 the toolstack does that
        for device in (DISK, WORK):
            self.gone(device)
        begun = time.monotonic()

        def tidy():
            self.read_log(begun, ": cannot remove vwork")
            return self.reaped(last) and not os.listdir(self.run_dir + "/workers")

        self.await_true("the worker to be gone", tidy)
        self.alive()
        self.aborted = self.end(signal.SIGTERM) == -signal.SIGABRT
        return got

    def check_end(self):
        """Nothing is left, and nothing was done twice at once."""
        if crew := self.crew():
            raise Failure(f"workers are left: {crew}")
        self.left = sorted(self.store.tree("/local/domain/0/backend"))
        if [path for path in self.left if path.count("/") > 6 or self.store.read(path)]:
            raise Failure(f"{self.left} are left")
        if [name for name in os.listdir(self.dir + "/crew") if name.startswith("two")]:
            raise Failure("there were two workers for a device")
        try:
            metrics = open(self.dir + "/metrics.prom", encoding="ascii").read()
        except OSError:
            metrics = ""
        excused = self.aborted or "cannot write the metrics" in open(self.log, encoding="ascii").read()
        if "\nxenrecon_up 0\n" not in metrics and not excused:
            raise Failure("the metrics are not the last ones")
        ran = open(self.dir + "/ran", encoding="ascii").read().split("\n")
        if ran[0] != "backend/vif/7/2 online" or ran[-2] != "backend/vif/7/2 offline" or set(ran) - set(ran[:1] + ran[-2:]):
            raise Failure(f"scripts: {ran}")
