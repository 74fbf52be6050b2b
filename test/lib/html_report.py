#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads an HTML report strictly, and fails over whatever is not as safe or as self-contained as it should be:

    html_report.py REPORT            prints as JSON what it has
"""
import base64
import hashlib
import json
import re
import sys
import xml.etree.ElementTree as xml
from html.parser import HTMLParser

VOID = {"meta", "input", "use", "line", "circle", "path"}
TAGS = VOID | set("""html head title style body script h1 h2 h3 p ul li b a code span div section article strong
details summary table tr th td i label output svg defs g text""".split())
ATTRIBUTES = set("""lang xmlns charset http-equiv content name class id href hidden type placeholder aria-label
aria-hidden scope role open data-busy viewbox x y x1 y1 x2 y2 cx cy r d""".split())


def expect(true, what):
    if not true:
        sys.exit(f"html_report.py: {what}")


class Report(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.inline, self.devices, self.rows, self.found = [], {}, {}, {}, []
        self.policy, self.ids, self.links, self.groups = "", set(), set(), []
        self.all, self.device, self.texts, self.summary, self.group = "", None, {}, [], None

    def handle_starttag(self, tag, attrs):
        expect(tag in TAGS, f"a tag {tag} at {self.getpos()}")
        names = [name for name, _ in attrs]
        expect(len(set(names)) == len(names), f"an attribute twice at {self.getpos()}")
        expect(set(names) <= ATTRIBUTES, f"an attribute too many at {self.getpos()}: {names}")
        a = dict(attrs)
        if "href" in a:
            expect(re.fullmatch(r"#((h\d+)?d\d+|h\d+|strip)", a["href"]), f"a link to {a['href']}")
            self.links.add(a["href"][1:])
        if "id" in a:
            expect(a["id"] not in self.ids, f"{a['id']} twice")
            self.ids.add(a["id"])
        if a.get("http-equiv"):
            self.policy = a["content"]
        if a.get("class", "").startswith("found "):
            self.group = [a["class"].split()[1]]
        if tag == "details" and a.get("class") == "group":
            self.groups.append([None, "open" in a])
        if tag == "article":
            self.device = a["id"]
            self.devices[self.device] = {"class": a["class"].split()[1], "text": "", "values": {}}
        if tag not in VOID:
            self.open.append((tag, a.get("class", "")))
            self.texts[len(self.open)] = ""

    def handle_startendtag(self, tag, attrs):
        expect(tag in VOID, f"{tag} cannot be empty")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        expect(self.open and self.open[-1][0] == tag, f"</{tag}> at {self.getpos()}, open are {self.open}")
        text = self.texts[len(self.open)]
        _, kind = self.open.pop()
        if tag in ("style", "script"):
            expect(tag not in self.inline, f"a second {tag}")
            self.inline[tag] = text
            text = ""
        if tag == "article":
            self.devices[self.device]["text"] = text
            self.device = None
        if tag == "th":
            self.key = text
        if tag == "td":
            self.devices[self.device]["values"].setdefault(self.key, []).append(text)
        if tag == "h3":
            self.devices[self.device]["key"] = text
        if kind.startswith("found"):
            self.group = None
        if tag == "b" and self.groups and not self.groups[-1][0]:
            self.groups[-1][0] = text
        if tag == "b" and self.group:
            self.group = [self.group[0], text, ""]
        if kind == "advice" and self.group:
            self.group[2] = text
        if tag == "li" and self.group:
            self.found.append([*self.group, text])
        if tag == "li" and ("ul", "sum") in self.open:
            self.summary.append(text)
        if self.open:
            self.texts[len(self.open)] += text

    def handle_data(self, data):
        if self.open:
            self.texts[len(self.open)] += data
        else:
            expect(not data.strip(), f"text outside of everything: {data!r}")

    def handle_comment(self, data):
        expect(False, f"a comment: {data!r}")

    handle_pi = unknown_decl = handle_comment


def main(path):
    raw = open(path, encoding="utf-8", errors="strict", newline="").read()
    bad = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", raw)
    expect(not bad, f"a character that hides or reorders: {bad}")
    expect(raw.startswith("<!DOCTYPE html>\n<html "), "how it begins")
    xml.fromstring(raw)
    report = Report()
    report.feed(raw)
    report.close()
    expect(not report.open, f"still open: {report.open}")
    expect(report.links <= report.ids, f"links to nowhere: {report.links - report.ids}")
    for tag, text in report.inline.items():
        want = "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        expect(f"{tag}-src '{want}';" in report.policy, f"the hash of the {tag} is {want}")
    policy = re.sub(r"'sha256-[^']*'", "H", report.policy)
    expect(policy == "default-src 'none'; style-src H; script-src H; base-uri 'none'; form-action 'none'", policy)
    json.dump({"devices": {d["key"]: d for d in report.devices.values()}, "found": report.found,
               "summary": report.summary, "groups": report.groups}, sys.stdout)


main(sys.argv[1])
