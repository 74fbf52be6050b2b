#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the tests notice when the decision core is wrong?

  run.py [--jobs N] [--quick] [--seconds N] [--sample N [--seed S]] [--survivors] [--listed] [--list] [FILE]...

Makes one mutant after the other of each FILE (what decides, of reconcilers/ and schemas/), in a copy of the sources in
build/mutate, and runs the quick tests until one fails: unit tests, golden cases, the simulation. What came of it is kept
in build/mutate/results: run again, it goes on where it was, and begins again with files that were changed in more than
their comments. --quick does without the tests that take seconds, which then miss a few; --survivors tries those again that
lived, --sample takes some of them at random, --seconds ends it then.

The pure layers are a library there: a mutant is one file to compile and one link, whatever the number of tests.

Mutants that are no other program, though the compiler cannot tell, stand in test/mutate/equivalent with the reason; they
are not tried, but for --listed: that tries them alone, and names those that a test notices all the same. The status is 1
when there are such, or other survivors.
"""
import argparse
import collections
import glob
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mutants import mutants_of  # noqa: E402

ROOT = os.path.realpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
WORK = f"{ROOT}/build/mutate"
DECIDES = ["schemas/row.h", "schemas/marker.c", "schemas/value.c", "schemas/xenbus.c", "schemas/policy/policy.c",
           "schemas/device.c", "schemas/plan.c", "schemas/view.c"]
# and last, therefore, in this order
SLOW = [f"build/test/unit/test_{n}" for n in ("observe_table", "enumeration", "converge", "dump", "dump_refused")] + \
    ["golden", "sim", "build/test/unit/test_workers_table"]
BUILT = "B=build"
PURE = ("schemas", "schemas/policy", "schemas/dump", "schemas/report", "reconcilers")
BLOCK = [f"build/reconcilers/block/{n}.o" for n in ("blkif", "journal", "request", "space")]
LIBRARY = "build/shared/libpure.so"


def shared(name):
    """The object of a source, for the library: by its whole path, as files of two folders may have one name."""
    return f"build/shared/{name[:-2].replace('/', '-')}.o"


def run(command, limit=600, **options):
    """The exit status; None when it was not done in time."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True, **options)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return None


class Copy:
    """The sources once more, to be changed and built."""

    def __init__(self, number, contents, flags):
        self.root = f"{WORK}/{number}"
        self.contents = contents
        self.flags = flags
        self.changed = None
        self.linked = set()  # the tests that are built with the headers that there are
        self.environment = dict(os.environ, CK_FORK="no", XENRECON=f"{self.root}/build/xenrecon", SIM_RANDOM="2000",
                                XR_TMP="/tmp")
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B", "DEVELOPER", "SANITIZE"):
            self.environment.pop(name, None)

    def prepare(self):
        names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "Makefile", "schemas", "reconcilers",
                                "controller", "deploy", "test"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        names = [n for n in names.decode().split("\0") if n and os.path.exists(f"{ROOT}/{n}")]
        for name in names:
            with open(f"{ROOT}/{name}", "rb") as file:
                self.put(name, self.contents.get(name, file.read()))
        os.makedirs(f"{self.root}/build/shared", exist_ok=True)
        objects = [t + ".o" for t in tests_of(self.root, False) if t.startswith("build/")]
        if self.make("all", "rig", "sim-program", *objects, *BLOCK) or not all(self.current(n) or self.objects(n) for n in self.sources()):
            sys.exit(f"run.py: {self.root} does not build")

    def put(self, name, data):
        """What is as it should be keeps its time, and so what was built from it; a mutant that was left does not."""
        here = f"{self.root}/{name}"
        os.makedirs(os.path.dirname(here), exist_ok=True)
        if os.path.exists(here):
            with open(here, "rb") as file:
                if file.read() == data:
                    return
        self.write(name, data)
        shutil.copymode(f"{ROOT}/{name}", here)

    def current(self, name):
        target = f"{self.root}/{shared(name)}"
        headers = [n for d in PURE for n in glob.glob(f"{self.root}/{d}/*.h")]
        newest = max(os.path.getmtime(n) for n in [f"{self.root}/{name}"] + headers)
        return os.path.exists(target) and os.path.getmtime(target) > newest

    def make(self, *targets):
        return run(["make", "-s", BUILT, "CFLAGS=-O1", *targets], cwd=self.root, env=self.environment)

    def gcc(self, *words):
        return run(["gcc", *words], cwd=self.root, env=self.environment)

    def sources(self):
        return [os.path.relpath(n, self.root) for d in PURE for n in sorted(glob.glob(f"{self.root}/{d}/*.c"))]

    def objects(self, path):
        """What a change of the file may change, as a hash."""
        whole = hashlib.sha256()
        for name in [path] if path.endswith(".c") else self.sources():
            target = shared(name)
            if self.gcc(*self.flags, "-w", "-O1", "-fPIC", "-c", "-o", target, name):
                return None
            with open(f"{self.root}/{target}", "rb") as file:
                whole.update(file.read())
        return whole.hexdigest()

    def library(self):
        objects = [shared(n) for n in self.sources()]
        return self.gcc("-shared", "-o", LIBRARY, *objects, "-lyaml", "-ljansson")

    def link(self, test):
        """Whether it failed to. What is the pure layers' is taken from the library."""
        if test in self.linked:
            return 0
        if test == "golden":
            names = sorted(glob.glob(f"{self.root}/controller/*/*.c"))
            target, names = "build/xenrecon", [f"build/{os.path.relpath(n, self.root)[:-2]}.o" for n in names
                                               if "/controller/dm/" not in n]
            made = self.make("all")
        else:
            target, names = test, [test + ".o"] + BLOCK
            made = self.make(*names)
        failed = made or self.gcc("-o", target, *names, LIBRARY, f"-Wl,-rpath,{self.root}/build/shared", "-lyaml", "-ljansson",
                                  "-luv", "-lxenstore", "-lcheck", "-lsubunit", "-lm", "-lrt", "-pthread")
        if not failed:
            self.linked.add(test)
        return failed

    def restore(self):
        if self.changed:
            self.write(self.changed, self.contents[self.changed])
            self.objects(self.changed)
            self.forget(self.changed)
            self.changed = None

    def forget(self, path):
        if path.endswith(".h"):
            self.linked.clear()

    def write(self, path, data):
        with open(f"{self.root}/{path}", "wb") as file:
            file.write(data)

    def apply(self, mutant):
        if self.changed != mutant.file:
            self.restore()
        data = self.contents[mutant.file]
        self.write(mutant.file, data[:mutant.start] + mutant.text.encode() + data[mutant.end:])
        self.changed = mutant.file
        self.forget(mutant.file)

    def fails(self, test, limit):
        """Whether the test does; not being done in time is failing."""
        if test == "sim":  # it counts its own allocations, and has no library therefore
            return bool(self.make("sim-program")) or run(["bash", "test/sim/run.sh"], limit, cwd=self.root,
                                                         env=self.environment) != 0
        words = ["bash", "test/golden/run.sh"] if test == "golden" else [f"{self.root}/{test}"]
        return bool(self.link(test)) or run(words, limit, cwd=self.root, env=self.environment) != 0


def concerns(root, test, path):
    """Whether the test could know: most of those of schemas/ never ask for a decision."""
    if test in ("golden", "sim") or not path.startswith("reconcilers/"):
        return True
    with open(f"{root}/test/unit/{os.path.basename(test)}.c", encoding="utf-8") as file:
        return re.search(r'#include "(reconcilers/\w+\.h|test/lib/(world|scene|plan_check))', file.read()) is not None


def tests_of(root, quick):
    names = sorted(n for n in os.listdir(f"{root}/test/unit") if n.startswith("test_") and n.endswith(".c"))
    quick_ones = [t for t in (f"build/test/unit/{n[:-2]}" for n in names) if t not in SLOW]
    return quick_ones + ([] if quick else SLOW)


class Order:
    """The tests, those first that are likely to be the quickest to notice."""

    def __init__(self, copy, quick):
        self.seconds, self.limit, self.kills = {}, {}, collections.Counter()
        copy.library()
        for test in tests_of(copy.root, quick):
            copy.link(test)
            began = time.monotonic()
            if copy.fails(test, 300):
                sys.exit(f"run.py: {test} fails without a mutant")
            self.seconds[test] = time.monotonic() - began + 0.02
            self.limit[test] = 5 + 5 * self.seconds[test]

    def of(self, path, last):
        order = sorted((t for t in self.seconds if concerns(ROOT, t, path)),
                       key=lambda t: (t in SLOW and SLOW.index(t) + 1, -(self.kills[t] + 1) / self.seconds[t]))
        return ([last] if last and last not in SLOW else []) + [t for t in order if t != last or t in SLOW]


class Results:
    def __init__(self):
        self.path = f"{WORK}/results"
        self.known = {}
        self.lock = threading.Lock()
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                for line in file:
                    entry = json.loads(line)
                    self.known[entry["key"]] = entry

    def add(self, mutant, digest, what, by):
        with self.lock, open(self.path, "a", encoding="utf-8") as file:
            self.known[mutant.key] = {"key": mutant.key, "digest": digest, "what": what, "by": by}
            file.write(json.dumps(self.known[mutant.key]) + "\n")

    def of(self, mutant, digest):
        entry = self.known.get(mutant.key)
        return entry if entry and entry["digest"] == digest else None


def equivalent():
    """By mutant, the reason."""
    reasons = {}
    with open(f"{ROOT}/test/mutate/equivalent", encoding="utf-8") as file:
        reason = None
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("# "):
                reason = line[2:]
            elif line:
                reasons[line] = reason
    return reasons


def work(copy, queue, order, results, originals, digests, until):
    last = {}
    while True:
        with results.lock:
            if not queue or time.monotonic() > until:
                return
            mutant = queue.pop()
        copy.apply(mutant)
        made = copy.objects(mutant.file)
        what, by = "lives", None
        if made is None or made != originals[mutant.file] and copy.library():
            what = "no program"
        elif made == originals[mutant.file]:
            what = "the same program"
        else:
            for test in order.of(mutant.file, last.get(mutant.file)):
                if copy.fails(test, order.limit[test]):
                    what, by = "killed", test.rpartition("/")[2]
                    order.kills[test] += 1
                    last[mutant.file] = test
                    break
        results.add(mutant, digests[mutant.file], what, by)
        if what == "lives":
            print(f"lives  {mutant.file}:{mutant.line}: {mutant.key.partition(' ')[2]}", flush=True)


def report(every, results, digests, reasons, files):
    counts, by, lives = collections.Counter(), collections.Counter(), []
    for mutant in every:
        entry = results.of(mutant, digests[mutant.file])
        what = "listed as equivalent" if mutant.key in reasons else entry["what"] if entry else "not tried"
        counts[what] += 1
        if entry and what == "killed":
            by[entry["by"]] += 1
        if what == "lives":
            lives.append(mutant)
    wrong = [m for m in every if m.key in reasons and (results.of(m, digests[m.file]) or {}).get("what") == "killed"]
    stale = set(reasons) - {m.key for m in every}
    stale = sorted(key for key in stale if key.split(" ", 1)[0] in files)
    print()
    print(f"{len(every)} mutants: " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    print("killed by: " + ", ".join(f"{test} {n}" for test, n in by.most_common()))
    for mutant in lives:
        print(f"{mutant.file}:{mutant.line}: {mutant.key.partition(' ')[2]}")
    for mutant in wrong:
        print(f"equivalent: {results.of(mutant, digests[mutant.file])['by']} notices: {mutant.key}")
    for key in stale:
        print(f"equivalent: there is no such mutant: {key}")
    return bool(lives or wrong or stale)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=int, default=10**9)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--survivors", action="store_true", help="try those again that lived")
    parser.add_argument("--listed", action="store_true", help="try those that are listed as equivalent")
    parser.add_argument("--list", action="store_true", help="only show them")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    files = options.files or DECIDES + [f"reconcilers/{n}" for n in sorted(os.listdir(f"{ROOT}/reconcilers")) if n[-2:] == ".c"]
    flags = subprocess.run(["make", "-s", "CC=gcc", "flags"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    flags = [f for f in shlex.split(flags) if f[:2] in ("-D", "-I", "-s")]
    every, digests, contents = [], {}, {}
    for file in files:
        with open(f"{ROOT}/{file}", "rb") as opened:
            contents[file] = opened.read()
        every += mutants_of(ROOT, file, flags)
        code = " ".join(re.sub(r"/\*.*?\*/", "", contents[file].decode(), flags=re.S).split())
        digests[file] = hashlib.sha256(code.encode()).hexdigest()[:16]
    if options.list:
        for m in every:
            print(f"{m.file}:{m.line}: {m.key}")
        return 0

    os.makedirs(WORK, exist_ok=True)
    results, reasons = Results(), equivalent()
    queue = [m for m in every if (m.key in reasons) == options.listed]
    if options.sample:
        queue = random.Random(options.seed).sample(queue, min(options.sample, len(queue)))
        every = sorted(queue)
    done = {m.key: results.of(m, digests[m.file]) for m in queue}
    queue = [m for m in queue if not done[m.key] or (options.survivors or options.listed) and done[m.key]["what"] == "lives"][::-1]
    if queue:
        print(f"{len(queue)} mutants to try, of {len(every)}", flush=True)
        copies = [Copy(i + 1, contents, flags) for i in range(max(1, options.jobs))]
        for copy in copies:
            copy.prepare()
        order = Order(copies[0], options.quick)
        originals = {file: copies[0].objects(file) for file in files}
        until = time.monotonic() + options.seconds
        threads = [threading.Thread(target=work, args=(c, queue, order, results, originals, digests, until)) for c in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for copy in copies:
            copy.restore()
    return report(every, results, digests, reasons, files)


sys.exit(main())
