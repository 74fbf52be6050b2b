#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chaos on a real store:   chaos.py FOLDER SECONDS [SEED] [--soak]

FOLDER has a store that runs. In it toolstacks and guests do as they like, while xenrecon, its workers and the store are
killed; then they stop, and what there is must be what there should be. The seed makes the choices, not the moments.
--soak: a moderate rate; xenrecon is never killed, and may not grow."""
import json
import os
import random
import signal
import subprocess
import sys
import time

for near in ("lib", "rig"):
    sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../{near}")

# pylint: disable=wrong-import-position
import model
from players import Guest, Toolstack
from store import Store
from world import World

PATIENCE = int(os.environ.get("AWAIT_MS", "60000")) / 1000


def check(name, wrong):
    """A name, and each thing that is wrong."""
    global failed  # pylint: disable=global-statement
    print(f"{'FAIL' if wrong else 'PASS'} {name}" + (":" if wrong else ""), flush=True)
    for line in wrong:
        print(f"    {line}", flush=True)
    failed = failed or bool(wrong)


failed = False


class Monkey:
    """Kills what it finds, and makes the store odd."""

    ODD = (["drop=any/97"], ["drop=any/211", "invent=3"], ["drop=WATCH/2", "drop=UNWATCH/2"], ["drop=TRANSACTION_END/5"],
           ["drop=TRANSACTION_START/7"], ["invent=1", "delay=3"], ["delay=20:READ"], ["hangup=397"], ["hangup=1511"],
           ["drop=IS_DOMAIN_INTRODUCED"], ["refuse=IS_DOMAIN_INTRODUCED:ENOSYS", "refuse=DIRECTORY_PART:ENOSYS"],
           ["no-first-event"])

    def __init__(self, world, seed, soak):
        self.world, self.random, self.served = world, random.Random(seed), True
        self.acts = [(self.kill_workers, 6), (self.hang_up, 4), (self.update_store, 1), (self.kill_store, 2),
                     (self.odd_store, 4)]
        if not soak:
            self.acts += [(self.kill_xenrecon, 8), (self.end_xenrecon, 3)]

    def kill_xenrecon(self):
        self.world.end_xenrecon(signal.SIGKILL)
        self.world.counts["xenrecon killed"] += 1
        self.start_again()

    def end_xenrecon(self):
        self.world.end_xenrecon(signal.SIGTERM)
        self.world.counts["xenrecon ended"] += 1
        self.start_again()

    def start_again(self):
        if self.random.random() < 0.5:
            time.sleep(self.random.random() / 4)
        self.world.start_xenrecon()

    def kill_workers(self):
        crew = sorted(self.world.workers())
        for pid in self.random.sample(crew, min(len(crew), self.random.randrange(1, 4))):
            try:
                os.kill(pid, signal.SIGKILL)
                self.world.counts["workers killed"] += 1
            except ProcessLookupError:
                pass

    def hang_up(self):
        """The workers' type goes and comes back."""
        self.served = not self.served if self.random.random() < 0.7 else True
        if self.served != os.path.exists(self.world.policies + "/vwork.yaml"):
            self.world.set_policy("vwork", self.served)
        self.world.hang_up()
        self.world.counts["policies reloaded"] += 1

    def kill_store(self):
        self.world.resurrect_store(late=self.random.random() < 0.5)

    def update_store(self):
        self.world.update_store()

    def odd_store(self):
        self.world.be_odd(*(self.random.choice(self.ODD) if self.random.random() < 0.7 else []))

    def act(self):
        acts, weights = zip(*self.acts)
        self.random.choices(acts, weights)[0]()

    def end(self):
        self.world.mischief(False)
        self.world.patient = True
        self.world.set_policy("vwork", True)
        self.world.be_odd()
        self.world.hang_up()


def settle(world, wanted, patience):
    """What is wrong after a while; nothing, once nothing is."""
    end = time.monotonic() + patience
    store = Store(world.socket)
    while (wrong := model.wrong(world, store.transaction(lambda tx: store.tree("/local", tx)), wanted)) and time.monotonic() < end:
        time.sleep(0.1)
    return wrong


def ask(world, *words):
    done = subprocess.run(world.xenrecon + list(words), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def heard(world, what="events"):
    """How many events xenrecon got, or requests it made."""
    return json.loads(ask(world, "status", "--format", "json", "--runtime-dir", world.run))["daemon"]["store"][what]


def files(world):
    return len(os.listdir(f"/proc/{world.process.pid}/fd"))


class Growth:
    """What xenrecon has of memory and files, now and then."""

    EVERY = 10  # seconds

    def __init__(self, world):
        self.world, self.memory, self.files, self.next = world, [], [], time.monotonic() + self.EVERY

    def sample(self):
        if time.monotonic() < self.next:
            return
        self.next += self.EVERY
        lines = open(f"/proc/{self.world.process.pid}/status", encoding="ascii").read().splitlines()
        self.memory += [int(line.split()[1]) for line in lines if line.startswith("RssAnon:")]
        self.files.append(files(self.world))

    def check(self):
        """Of the first third it may need one to fill its history."""
        third = len(self.memory) // 3
        if not third:
            return
        middle, end = self.memory[third:2 * third], self.memory[-third:]
        held, still = self.files[third:2 * third], self.files[-third:]
        print(f"figure: {min(middle)} to {max(middle)} KiB, then {min(end)} to {max(end)} KiB of its own memory; "
              f"{min(held)} to {max(held)} files, then {min(still)} to {max(still)}; {len(self.memory)} samples")
        check("its memory does not grow", [] if max(end) <= max(middle) + 256 else [f"{max(middle)} KiB, then {max(end)}"])
        check("its files do not grow", [] if max(still) <= max(held) + 8 else [f"{max(held)}, then {max(still)}"])


def watched(world, store, paths):
    """Those of the paths that xenrecon still watches."""
    events = None
    while events != (events := heard(world)):
        time.sleep(0.2)
    for path in paths:
        store.write(path, 1)
    found = []
    if heard(world) > events:
        for path in paths:
            events = heard(world)
            store.write(path, 1)
            found += [path] if heard(world) > events else []
    for domain in {path.rpartition("/device/")[0] for path in paths}:
        store.remove(domain)
    return found


def quiet_checks(world, wanted):
    check("each device is as it must be, and nothing else is there", settle(world, wanted, PATIENCE))
    end, busy = time.monotonic() + PATIENCE, 1
    while busy and time.monotonic() < end:  # what an odd store has not answered is asked again now and then
        before = heard(world, "requests")
        time.sleep(0.5)
        busy = heard(world, "requests") - before
    check("xenrecon is at rest", [f"{busy} requests in half a second"] if busy else [])
    plan = ask(world, "plan", "--policies", world.policies).splitlines()[0]
    check("plan has nothing to do", [] if plan.endswith("nothing to do") or "nothing to do," in plan else [plan])


def empty_checks(world, used, start):
    check("all detached: no device, worker or record", settle(world, set(), PATIENCE))
    store = Store(world.socket)
    end = store.tree()
    check("all detached: the store is as it was at the beginning",
          [path for path in sorted(start.keys() | end.keys()) if start.get(path) != end.get(path)])
    check(f"all detached: no watch is left at {len(used)} places", watched(world, store, model.fronts(used)))
    patience = time.monotonic() + PATIENCE  # for whom we asked a moment ago
    while files(world) > world.files and time.monotonic() < patience:
        time.sleep(0.05)
    check("all detached: no more files open than at the beginning",
          [f"{world.files} then, {n} now"] if (n := files(world)) > world.files else [])


def figures(world):
    print("figure: " + ", ".join(f"{world.counts[what]} {what}" for what in sorted(world.counts)), flush=True)


def main(folder, seconds, seed, soak):
    print(f"seed: {seed}", flush=True)
    world = World(folder, os.environ.get("TRACE") != "off")
    chance = random.Random(seed)
    store = Store(world.socket)
    store.write("/local/domain/0/domid", 0)
    store.make("/local/domain/0/backend")
    start = store.tree()
    world.start_xenrecon()
    while "ready: " not in open(folder + "/xenrecon.log", encoding="ascii").read():
        time.sleep(0.01)
    world.files, growth = files(world), Growth(world)
    pause = 0.5 if soak else 0.02
    toolstacks = [Toolstack(world, chance.random(), 10 + i, 3, pause) for i in range(5)]
    guests = [Guest(world, chance.random(), toolstack, pause) for toolstack in toolstacks]
    monkey = Monkey(world, chance.random(), soak)
    for player in toolstacks + guests:
        player.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not world.failures:
        time.sleep(chance.random() * (5 if soak else 0.2))
        monkey.act()
        if soak:
            growth.sample()
    growth.check()
    for toolstack in toolstacks:
        toolstack.over.set()
        toolstack.join()
    for guest in guests:
        guest.good.set()
    monkey.end()
    quiet_checks(world, {(kind, t.domid, devid) for t in toolstacks for kind, devid in t.attached})
    for toolstack in toolstacks:
        toolstack.leave()
    empty_checks(world, set().union(*(toolstack.used for toolstack in toolstacks)), start)
    for guest in guests:
        guest.over.set()
        guest.join()
    world.end_xenrecon(signal.SIGTERM)
    check("there were never two workers for a device", [name for name in os.listdir(folder + "/crew") if name.startswith("two")])
    check("nobody failed", world.failures)
    figures(world)
    return 1 if failed else 0


arguments = [word for word in sys.argv[1:] if word != "--soak"]
sys.exit(main(arguments[0], float(arguments[1]), int(arguments[2]) if len(arguments) > 2 else random.randrange(1 << 30),
              "--soak" in sys.argv))
