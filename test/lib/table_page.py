#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows in xenrecon-decisions(7), written from what `xenrecon explain --table` prints:   table_page.py TABLE PAGE [--write]

Compares what stands in PAGE below the heading ROWS with what TABLE has, and says how they differ; with --write it puts it
there.
"""
import sys

from page_part import escape, settle

OWNERS = {"": "", "(xenrecon)": ", owner xenrecon", "(others)": ", other owners"}


def lines(table):
    """Three of them in the table are a row: its name, its condition, what it does."""
    for name, condition, effect in zip(table[::3], table[1::3], table[2::3]):
        name, _, owner = name.partition(" ")
        yield f"*{name}*{OWNERS[owner]}"
        yield f"\tWhen: {escape(condition.strip())}."
        yield ""
        yield f"\tThen: {escape(effect.strip())}."
        yield ""


with open(sys.argv[1], encoding="utf-8") as file:
    rows = file.read().splitlines()
sys.exit(settle(sys.argv[2], "ROWS", "SEE ALSO", "\n".join(lines(rows)), sys.argv[3:] == ["--write"]))
