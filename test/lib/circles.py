#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which file of ours uses which, as the objects have it:   circles.py [--list] [BUILD]

An arrow goes from a file to each one that defines a symbol the first needs. Prints how many arrows there are between
files and between folders, and every circle of files; ends with 1 if there is one. --list prints the arrows too. BUILD
is `build` unless it is said."""
import os
import subprocess
import sys

FOLDERS = ("schemas", "reconcilers", "controller")
# Programs of their own: what they define is for nobody else
PROGRAMS = ("controller/dm", "reconcilers/block")


def sources():
    """The path of each of our files, without its ending."""
    return sorted(os.path.splitext(os.path.join(folder, name))[0]
                  for top in FOLDERS for folder, _, names in os.walk(top) for name in names if name.endswith(".c"))


def symbols(build, stems):
    """What each object defines for others, and what it needs."""
    defined, needed = {}, {}
    for stem in stems:
        listing = subprocess.run(["nm", "-g", f"{build}/{stem}.o"], check=True, capture_output=True, text=True).stdout
        fields = [line.split() for line in listing.splitlines()]
        needed[stem] = {f[-1] for f in fields if f[-2] == "U"}
        for symbol in (f[-1] for f in fields if f[-2] != "U"):
            defined.setdefault(symbol, []).append(stem)
    return defined, needed


def definer(user, stems):
    """Of those that define a symbol: the one in the user's own folder, else the one that is not a program's own."""
    folder = os.path.dirname(user)
    near = [stem for stem in stems if os.path.dirname(stem) == folder]
    far = [stem for stem in stems if os.path.dirname(stem) not in PROGRAMS]
    return (near or far or [None])[0]


def arrows(build):
    stems = sources()
    defined, needed = symbols(build, stems)
    return {stem: {definer(stem, defined[name]) for name in needed[stem] if name in defined} - {stem, None}
            for stem in stems}


def reached(uses, start):
    """Everything that is used from there, directly or not."""
    seen, todo = set(), [start]
    while todo:
        for stem in uses[todo.pop()] - seen:
            seen.add(stem)
            todo.append(stem)
    return seen


def circles(uses):
    far = {stem: reached(uses, stem) for stem in uses}
    found = {frozenset(other for other in far[stem] if stem in far[other]) for stem in uses if stem in far[stem]}
    return sorted(sorted(circle) for circle in found)


def main(*args):
    listed = "--list" in args
    build = next((arg for arg in args if not arg.startswith("-")), "build")
    uses = arrows(build)
    folders = {(os.path.dirname(a), os.path.dirname(b)) for a in uses for b in uses[a]}
    if listed:
        print("\n".join(f"{a} -> {b}" for a in sorted(uses) for b in sorted(uses[a])))
    print(f"{sum(len(used) for used in uses.values())} arrows between {len(uses)} files,"
          f" {sum(a != b for a, b in folders)} between folders")
    found = circles(uses)
    for circle in found:
        print("a circle: " + " ".join(circle))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
