#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Validates JSON reports of `xenrecon plan`:   validate.py [--complete] SCHEMA REPORT...

Beyond the schema, their summaries have to be right. With --complete, all reports together have to show every row and
every finding that a plan can."""
import json
import sys

import jsonschema

# Rows that take an object, which only the daemon has: unit tests show these. A device that has vanished is not in a report.
NOT_PLANNED = {"vanished", "reincarnated", "starting", "reset", "adopt", "busy", "respawn",
               "publish"}
# What only the daemon finds: it takes time, a failure, a reload or an object; and what cannot be read, which a dom0 never
# meets.
NOT_FOUND = {"unreadable", "marker-lost", "flapping", "action-failed", "policy-changed", "unwatched", "stuck-create",
             "worker-died", "worker-error", "lost-write", "contended"}


def findings(report):
    return [f for of in [report] + report["devices"] for f in of["findings"]]


def health(device):
    found = {f["severity"] for f in device["findings"] if f["code"] != "unreadable"}
    if "error" in found:
        return "failed"
    if "warning" in found:
        return "degraded"
    unread = "?" in (device["backend_state"], device["frontend_state"])  # of a listing that is said as a whole
    if unread or device["row"] == "unreadable" or any(f["code"] == "unreadable" for f in device["findings"]):
        return "unknown"
    return device["health"] if device["health"] in ("pending", "ok") else "pending or ok"


def summary(report):
    healths = [health(d) for d in report["devices"]]
    severities = [f["severity"] for f in findings(report)]
    return {
        "devices": len(report["devices"]),
        "actions": sum(len(d["actions"]) for d in report["devices"]),
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "health": {word: healths.count(word) for word in ("failed", "degraded", "unknown", "pending", "ok")},
    }


def load(path):
    """The report, or None where the command failed instead."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.startswith("xenrecon: "):
        return None
    return json.loads(text.rpartition("}")[0] + "}")


def missing(what, schema, seen, excepted):
    wrong = set(schema["enum"]) - excepted - seen
    unexpected = seen & excepted
    return [f"no case has the {what} {name}" for name in sorted(wrong)] + [
        f"the {what} {name} is said to be out of a plan's reach" for name in sorted(unexpected)]


def main(arguments):
    complete = arguments[0] == "--complete"
    schema_path, *paths = arguments[1:] if complete else arguments
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.Draft7Validator(schema)
    complaints, rows, codes = [], set(), set()
    reports = [(path.rpartition("/")[2], load(path)) for path in paths]
    reports = [(name, of) for name, report in reports if report for of in report.get("hosts", [report])]
    for name, report in reports:
        complaints += [f"{name}: {e.json_path}: {e.message}" for e in validator.iter_errors(report)]
        if not complaints and report["summary"] != summary(report):
            complaints.append(f"{name}: the summary is {report['summary']}, but it should be {summary(report)}")
        rows |= {device["row"] for device in report["devices"]}
        codes |= {finding["code"] for finding in findings(report)}
    if complete:
        parts = schema["definitions"]
        complaints += missing("row", parts["device"]["properties"]["row"], rows, NOT_PLANNED)
        complaints += missing("finding", parts["finding"]["properties"]["code"], codes, NOT_FOUND)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


sys.exit(main(sys.argv[1:]))
