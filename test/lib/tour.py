#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What documents say of the sources is there:   tour.py DOCUMENT...

Of a table's row that ends in a file and a function (| ... | FILE | `FUNCTION` |), FILE must define FUNCTION. Every path in
backticks or in a link, of a folder or a file of ours, must exist. Prints what does not, and how much was looked at; the
status is 1 when something was missing, or a document names nothing.
"""
import os
import re
import sys

ROOMS = ("controller", "reconcilers", "schemas", "deploy", "test")


def defines(path, function):
    with open(path, encoding="utf-8") as file:
        return re.search(rf"^[a-z].*\b{function}\([^;]*$", file.read(), re.MULTILINE) is not None


def steps(text):
    return re.findall(r"\| ([\w/.]+\.c) \| `(\w+)` \|$", text, re.MULTILINE)


def paths(text, folder):
    """As seen from the root. A pattern, or what a build makes, is no path."""
    for name in re.findall(r"`([\w.-]+/[\w./-]*)`", text):
        if name.split("/")[0] in ROOMS:
            yield name
    for name in re.findall(r"\]\(([\w./-]+)\)", text):
        yield os.path.normpath(os.path.join(folder, name))


def missing(document):
    with open(document, encoding="utf-8") as file:
        text = file.read()
    looked_at = 0
    for path, function in steps(text):
        looked_at += 1
        if not os.path.exists(path) or not defines(path, function):
            yield f"{document}: {path} does not define {function}()"
    for path in paths(text, os.path.dirname(document)):
        looked_at += 1
        if not os.path.exists(path):
            yield f"{document}: there is no {path}"
    if not looked_at:
        yield f"{document}: names nothing"
    print(f"{document}: {looked_at} looked at", file=sys.stderr)


def main():
    wrong = [line for document in sys.argv[1:] for line in missing(document)]
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
