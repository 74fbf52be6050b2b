#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is wrong with a Grafana dashboard:   dashboard.py DASHBOARD METRICS RULES

Prints each thing that Grafana would show as an error or as nothing: a panel without a query, one above another, a variable
that there is not, a metric or label that the page of METRICS has not. Its queries go to RULES, for promtool to judge."""
import json
import re
import sys

OF_OTHERS = {"node_textfile_mtime_seconds": {"instance", "file"}}  # node_exporter's
ADDED = {"instance", "job"}  # by Prometheus
WIDTH = 24  # columns


def wrong(what, *where):
    print(": ".join(map(str, where + (what,))))


def metrics_of(page):
    """The labels of each series' name; those that have no series now have a TYPE."""
    found = {}
    for line in open(page, encoding="utf-8"):
        words = re.match(r"# TYPE (\S+) (\S+)", line)
        if words:
            for end in ("_bucket", "_sum", "_count") if words[2] == "histogram" else ("",):
                found[words[1] + end] = set()
        series = re.match(r"([a-z_]+)(?:\{(.*)\})? ", line)
        if series:
            found.setdefault(series[1], set()).update(re.findall(r'(\w+)="', series[2] or ""))
    found["xenrecon_findings"] |= {"type", "code", "severity"}
    return found


def check_query(expr, known, title):
    for name, labels in re.findall(r"\b((?:xenrecon|node)_\w+)(?:\{([^}]*)\})?", expr):
        if name not in known:
            wrong(f"there is no metric {name}", title)
            continue
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels):
            if label not in known[name] | ADDED:
                wrong(f"{name} has no label {label}", title)


def check_place(panel, taken):
    place = panel["gridPos"]
    cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
    if place["x"] + place["w"] > WIDTH or not cells:
        wrong("it does not fit", panel["title"])
    if cells & taken:
        wrong("it lies on another", panel["title"])
    taken |= cells


def main(board, page, rules):
    board = json.load(open(board, encoding="utf-8"))
    known = {**metrics_of(page), **OF_OTHERS}
    for key in ("title", "uid", "schemaVersion", "panels", "templating", "time"):
        if key not in board:
            wrong(f"it has no {key}")
    if board.get("id") is not None:
        wrong("its id is another Grafana's")
    variables = {v["name"]: v for v in board["templating"]["list"]}
    for text in (v["query"] for v in variables.values() if v["type"] == "query"):
        check_query(text if isinstance(text, str) else text["query"], known, "variables")
    taken, ids, queries = set(), set(), []
    for panel in board["panels"]:
        check_place(panel, taken)
        if panel["id"] in ids:
            wrong("its id is another panel's", panel["title"])
        ids.add(panel["id"])
        if panel["type"] != "row" and not panel.get("targets"):
            wrong("it asks nothing", panel["title"])
        for target in panel.get("targets", []):
            if target["datasource"] != panel["datasource"]:
                wrong("it asks somebody else", panel["title"])
            check_query(target["expr"], known, panel["title"])
            queries.append(target["expr"])
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"]))) - {"__rate_interval", "__data", "__value"}
    for name in sorted(used ^ variables.keys()):
        wrong(f"the variable {name} is {'used, but not there' if name in used else 'not used'}")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("groups:\n  - name: dashboard\n    rules:\n")
        for i, expr in enumerate(queries):
            expr = re.sub(r"\$\{?\w+\}?", "x", expr.replace("$__rate_interval", "5m"))
            file.write(f"      - record: board:query{i}\n        expr: {json.dumps(expr)}\n")


main(*sys.argv[1:])
