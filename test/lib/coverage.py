#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What gcovr counted, in words:   coverage.py [--table] JSON FOLDER...

Lines and branches of each file of these folders (not of what is below them), and where there are gaps. The status is 1
when there are any. With --table, gaps do not count.
"""
import collections
import json
import sys


class File:
    def __init__(self, lines):
        lines = [line for line in lines if not line.get("gcovr/noncode") and not line.get("gcovr/excluded")]
        self.lines = len(lines)
        self.gaps = {line["line_number"]: "never run" for line in lines if not line["count"]}
        self.lines_run = self.lines - len(self.gaps)
        self.branches = self.branches_run = 0
        for line in lines:
            branches = [b for b in line["branches"] if not b.get("gcovr/excluded")]
            run = sum(1 for b in branches if b["count"])
            self.branches += len(branches)
            self.branches_run += run
            if run < len(branches):
                self.gaps.setdefault(line["line_number"], f"{len(branches) - run} of {len(branches)} branches never taken")


def row(name, lines_run, lines, branches_run, branches):
    def share(n, of):
        # never rounded up to all of it
        return f"{n:5} of {of:5} {1000 * n // of / 10 if of else 100:6.1f} %"

    print(f"{name:40} {share(lines_run, lines)} {share(branches_run, branches)}")


def main():
    table = sys.argv[1] == "--table"
    path, *wanted = sys.argv[1 + table:]
    with open(path, encoding="utf-8") as file:
        found = json.load(file)["files"]
    folders = collections.defaultdict(dict)
    for entry in found:
        folder, _, name = entry["file"].rpartition("/")
        folders[folder][name] = File(entry["lines"])
    gaps = 0
    for folder in wanted:
        files = folders[folder]
        print(f"{'':40} {'lines':>23} {'branches':>23}")
        for name, f in sorted(files.items()):
            row(f"{folder}/{name}", f.lines_run, f.lines, f.branches_run, f.branches)
        row(f"{folder}, all of it", *(sum(getattr(f, n) for f in files.values())
                                     for n in ("lines_run", "lines", "branches_run", "branches")))
        for name, f in sorted(files.items()) if not table else ():
            for number, what in sorted(f.gaps.items()):
                print(f"{folder}/{name}:{number}: {what}")
                gaps += 1
        gaps += not files
        print()
    return gaps > 0


sys.exit(main())
