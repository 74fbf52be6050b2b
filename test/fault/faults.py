#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets each call and each store request of xenrecon fail, one in each run of the scenario:   faults.py FOLDER [OPTION]...

  --runs N      so many runs, evenly chosen of all that there are (all)
  --lanes N     so many at once (4)
  --only WHAT   only these: a function, as read; store; calls, all but store; or one run, as read:7:5 or store:12:EIO

First it is counted what is called. Each run must end with what there is without faults: see scenario.py."""
import argparse
import collections
import ctypes
import errno
import multiprocessing
import os
import re
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../lib")

# pylint: disable=wrong-import-position
from proxy import Proxy
from sanitizers import preloaded
from scenario import BUILD, REPO, Failure, Scenario

E = errno
PART, END = -1, 0  # a part of it is done; there is no more
GENERAL = {"open": [E.EIO, E.EMFILE], "openat": [E.EIO, E.ENOSPC], "read": [E.EIO, E.EINTR, END], "write": [E.EIO, E.ENOSPC, PART],
           "recv": [E.ECONNRESET, E.EINTR, E.EAGAIN, END], "send": [E.EPIPE, E.EAGAIN, PART], "connect": [E.ECONNREFUSED, E.EAGAIN],
           "accept4": [E.EMFILE, E.ECONNABORTED], "fork": [E.EAGAIN], "execve": [E.ENOENT], "execvp": [E.ENOENT],
           "mkdir": [E.ENOSPC], "mkdirat": [E.ENOSPC], "renameat": [E.ENOSPC], "rename": [E.ENOSPC], "socket": [E.EMFILE],
           "pipe2": [E.EMFILE], "pidfd_open": [E.EMFILE], "memfd_create": [E.EMFILE], "epoll_ctl": [E.ENOSPC, E.ENOMEM],
           "epoll_pwait": [E.EINTR], "epoll_wait": [E.EINTR], "calloc": [E.ENOMEM], "realloc": [E.ENOMEM], "close": [E.EIO, E.EINTR],
           "bind": [E.EADDRINUSE], "unlink": [E.EIO], "unlinkat": [E.EIO], "waitid": [E.EINTR, E.ECHILD], "waitpid": [E.EINTR],
           "fcntl": [E.EMFILE], "getrandom": [E.ENOSYS], "kill": [E.EPERM], "readdir": [E.EIO]}
STORE = ["EIO", "EAGAIN", "ENOSPC", "EACCES", "EINVAL", "lost", "unheard"]
# Where libuv gives up, and does not say so
SILENT = {"uv/pipe2", "uv/epoll_ctl", "uv/epoll_create1", "uv/eventfd", "uv/realloc", "uv/calloc"}
MEMORY, OF_MEMORY = {"calloc", "realloc"}, 50  # they all end in the same way: so many are enough
# What went wrong once, or may be missed by a choice: made in every run
ALWAYS = [("store", "DIRECTORY.1", "EIO"), ("store", "DIRECTORY.2", "EIO"), ("store", "DIRECTORY.2", "EACCES"),
          ("pidfd_open", 3, E.EMFILE)]
RECORD = struct.Struct("40sQ")


def read_counts(path):
    data = open(path, "rb").read()
    found = {}
    for name, calls in RECORD.iter_unpack(data):
        if name := name.rstrip(b"\0").decode():
            found[name] = calls
    return found


def plain(line):
    """Without what differs each time."""
    return re.sub("[0-9]+", "0", line)


class Lane:
    """A store, and one run after the other in it."""

    def __init__(self, folder):
        self.dir, self.counts = folder, folder + "/counts"
        os.makedirs(folder, mode=0o755, exist_ok=True)
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: some init in a container takes its time
        subprocess.run([REPO + "/test/rig/store.sh", "start", folder], check=True, stdout=subprocess.DEVNULL)
        self.proxy = Proxy(folder + "/proxy", folder + "/socket")

    def close(self):
        subprocess.run([REPO + "/test/rig/store.sh", "stop", self.dir], check=False)

    def play(self, case, want, calm):
        """A class, what there is to say of it, and the tree. calm: what is said without a fault, too."""
        what, at, how = case
        self.proxy.set(at if what == "store" else 0, how)
        env = {}
        with open(self.counts, "wb") as file:
            file.truncate(RECORD.size * 256)
        if what != "store":
            env = {"FAULT_COUNTS": self.counts, "FAULT": f"{what}:{at}:{how}", **preloaded(BUILD + "/test/fault/shim.so")}
        scenario = Scenario(self.dir, self.proxy.path if what in ("store", "all") else self.dir + "/socket", env)
        tree, wrong = None, None
        try:
            scenario.wipe()
            tree = scenario.play(want)
            scenario.check_end()
        except Failure as failure:
            wrong = str(failure)
        finally:
            if scenario.process and scenario.process.poll() is None:
                scenario.process.kill()
                scenario.process.wait()
            scenario.store.close()
        injected = self.proxy.injected if what == "store" else read_counts(self.counts).get("fault", 0) > 0
        said = open(scenario.log, encoding="ascii", errors="replace").read() if os.path.exists(scenario.log) else ""
        return self.judge(case, scenario, wrong, injected, said, calm), tree, said

    @staticmethod
    def judge(case, scenario, wrong, injected, said, calm):
        new = [line for line in said.splitlines() if plain(line) not in calm]
        if wrong:
            return "FAILED", wrong, said
        if not injected:
            return "not reached", "", ""
        if scenario.ends and scenario.ends[0] < 0:
            clear = scenario.ends[0] == -signal.SIGABRT and (new or case[0] in SILENT)
            return "aborted, and was started again" if clear else "FAILED", f"died of signal {-scenario.ends[0]}", said
        if scenario.ends:
            if not new:
                return "FAILED", f"ended with status {scenario.ends[0]}, without a word", said
            return "ended with an error, and was started again", "", ""
        if scenario.left:
            return "left an empty directory", "", ""
        return ("said so, and went on" if new else "went on"), "", ""


def work(folder, tasks, results, want, calm):
    lane = Lane(folder)
    try:
        for case in iter(tasks.get, None):
            begun = time.monotonic()
            (kind, why, said), _, _ = lane.play(case, want, calm)
            results.put((case, kind, why, said, time.monotonic() - begun))
    finally:
        lane.close()


def reference(folder):
    """What is called without a fault, and what it comes to."""
    lane = Lane(folder)
    try:
        calm = set()  # what comes first is not always the same
        for _ in range(5):
            (kind, why, _), tree, said = lane.play(("all", 0, 0), None, set())
            if kind != "not reached":
                sys.exit(f"without a fault: {why}\n{said}")
            calm |= {plain(line) for line in said.splitlines()}
        calls = read_counts(lane.counts)
        calls.pop("fault", None)
        return calls, lane.proxy.requests, tree, calm
    finally:
        lane.close()


def all_cases(calls, requests):
    cases = [("store", n, how) for how in STORE for n in range(1, requests + 1)]
    for name in sorted(calls):
        for error in GENERAL.get(name.rpartition("/")[2], GENERAL.get(name, [E.EIO])):
            step = max(1, calls[name] // OF_MEMORY) if name in MEMORY else 1
            cases += [(name, n, error) for n in range(1, calls[name] + 1, step)]
    return cases


def chosen(cases, options):
    if options.only:
        words = options.only.split(":")
        if len(words) == 3:
            at = int(words[1]) if words[1].isdigit() else words[1]
            return [(words[0], at, words[2] if words[0] == "store" else int(words[2]))]
        cases = [case for case in cases if case[0] == words[0] or words[0] == "calls" and case[0] != "store"]
    if not options.runs or options.runs >= len(cases):
        return cases
    few = [cases[i * len(cases) // options.runs] for i in range(options.runs)]
    return few + [case for case in ALWAYS if options.only in (None, case[0])]


def run_all(options, cases, want, calm):
    tasks, results = multiprocessing.Queue(), multiprocessing.Queue()
    for case in cases + [None] * options.lanes:
        tasks.put(case)
    lanes = [multiprocessing.Process(target=work, args=(f"{options.folder}/{i}", tasks, results, want, calm)) for i in range(options.lanes)]
    for lane in lanes:
        lane.start()
    for _ in cases:
        yield results.get()
    for lane in lanes:
        lane.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--only")
    options = parser.parse_args()
    calls, requests, want, calm = reference(options.folder + "/r")
    cases = all_cases(calls, requests)
    runs = chosen(cases, options)
    print(f"figure: {sum(calls.values())} calls of {len(calls)} functions, {requests} store requests: {len(cases)} faults, "
          f"{len(runs)} of them made", flush=True)
    kinds, failed, slowest = collections.Counter(), 0, (0, None)
    table = collections.defaultdict(collections.Counter)
    for made, (case, kind, why, said, took) in enumerate(run_all(options, runs, want, calm), 1):
        kinds[kind] += 1
        if made % 500 == 0:
            print(f"{made} made", flush=True)
        table[case[0]][kind] += 1
        slowest = max(slowest, (took, case), key=lambda pair: pair[0])
        if kind == "FAILED":
            failed += 1
            print("FAIL %s:%s:%s: " % case + why)
            if failed <= 5 or options.only:
                print("\n".join("    " + line for line in said.splitlines()[-25:]), flush=True)
    for name in sorted(table):
        print(f"    {name}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(table[name].items())))
    for kind, n in sorted(kinds.items()):
        print(f"figure: {n} {kind}")
    print(f"figure: the longest took {slowest[0]:.1f} s: {slowest[1]}")
    print("PASS after each fault all is as without" if not failed else f"FAIL {failed} faults of {len(runs)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
