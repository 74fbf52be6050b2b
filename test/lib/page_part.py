# SPDX-License-Identifier: MIT
"""The part of a manual page that is written by a program."""
import difflib


def escape(text):
    """For scdoc."""
    for special in "\\*_<>#":
        text = text.replace(special, "\\" + special)
    return text


def settle(path, heading, following, wanted, write):
    """Compares what stands between two headings with what is wanted, and says how they differ; or puts it there."""
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(f"# {heading}\n", 1)
    present, after = rest.split(f"\n# {following}\n", 1)
    if write:
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{before}# {heading}\n\n{wanted}\n# {following}\n{after}")
        return 0
    difference = list(difflib.unified_diff(present.strip().splitlines(), wanted.strip().splitlines(), path, "wanted", lineterm=""))
    print("\n".join(difference), end="")
    return bool(difference)
