# SPDX-License-Identifier: MIT
"""What there must be when all is quiet and the guests are good: what the toolstacks attached is Connected on both sides,
with the right ring, and a worker where there should be one; of all else there is nothing."""
import os

from players import b_of, f_of
from world import TYPES


def state_file(world, kind, domid, devid):
    try:
        return open(f"{world.run}/workers/{kind}.{domid}.{devid}.state", encoding="ascii").read().split()
    except OSError:
        return None


def wrong_device(world, tree, kind, domid, devid):
    """A word of what is wrong with one that is attached, or None."""
    b, f = b_of(kind, domid, devid), f_of(kind, domid, devid)
    found = [tree.get(b + "/state"), tree.get(b + "/online"), tree.get(f + "/state"), tree.get(b + "/hotplug-status")]
    if found != ["4", "1", "4", "connected"]:
        return f"state, online, F and hotplug-status are {found}"
    marker = tree.get(b + "/xenrecon", "").split()
    if len(marker) != 3 or marker[1] != "4":
        return f"the marker is {marker}"
    if kind == "qdisk":
        return None if tree.get(b + "/feature-flush-cache") == "1" else "nothing is published"
    if tree.get(b + "/served") != "yes":
        return "what the worker published is not there"
    served, ring = state_file(world, kind, domid, devid), [marker[2], tree.get(f + "/ring-ref")]
    return None if served == ring else f"its worker serves {served}, not {ring}"


def wrong_places(tree, wanted):
    """Devices that there should not be, and directories that were for them."""
    allowed = {path(*device) for device in wanted for path in (b_of, f_of)}
    for path in list(allowed):
        while path.count("/") > 3:
            path = path.rpartition("/")[0]
            allowed.add(path)
    for path in tree:
        words = path.split("/")
        if words[1:3] != ["local", "domain"] or len(words) < 5 or words[4] not in ("backend", "device"):
            continue
        depth = 8 if words[4] == "backend" else 7
        if len(words) <= depth and path not in allowed and len(words) > 5:
            yield f"{path} is there"


def wrong(world, tree, wanted):
    """Each thing that is not as it must be, in words."""
    found = list(wrong_places(tree, wanted))
    for device in sorted(wanted):
        why = wrong_device(world, tree, *device)
        if why:
            found.append("/".join(str(word) for word in device) + f": {why}")
    crew = sorted("/".join(map(str, device)) for device in wanted if device[0] == "vwork")
    there = sorted(world.workers().values())
    if there != crew:
        found.append(f"workers for {there}, not for {crew}")
    kept = sorted(os.listdir(world.run + "/workers"))
    records = sorted(name.replace("/", ".") + end for name in crew for end in ("", ".output", ".state"))
    if kept != records:
        found.append(f"run directory: {kept}, not {records}")
    return found


def fronts(used):
    """The paths that xenrecon may have watched."""
    return [f_of(*device) + "/state" for device in used if device[0] in TYPES]
