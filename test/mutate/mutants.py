# SPDX-License-Identifier: MIT
"""What could be wrong with a source file, one small thing at a time, found in clang's syntax tree.

A mutant is a place in the file and other words for it: a comparison, a constant or a state that is another, a condition
that is turned round, one of two that is left out, a statement that is not there, a row that is missing or stands too low.
"""
import collections
import json
import re
import subprocess

Mutant = collections.namedtuple("Mutant", "file line start end text key")

COMPARISONS = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
}
SWAPS = {"&&": "||", "||": "&&", "+": "-", "-": "+", "&": "|", "|": "&", "+=": "-=", "-=": "+=", "&=": "|=", "|=": "&="}
FREES = re.compile(r"(\w+_|reg)?free(_\w+)?")
TRANSPARENT = {"ParenExpr", "ImplicitCastExpr", "ConstantExpr"}


class Source:
    """A file and its tree; locations are made absolute (clang names a file only where it changes)."""

    def __init__(self, root, path, flags):
        self.path = path
        with open(f"{root}/{path}", encoding="utf-8") as file:
            self.text = file.read()
        self.bytes = self.text.encode()
        tree = subprocess.run(["clang", *flags, "-fsyntax-only", "-Xclang", "-ast-dump=json", path], cwd=root, check=True,
                              stdout=subprocess.PIPE).stdout
        self.tree = json.loads(tree)
        self.current = None
        self.enums = {}  # by the id of a constant: the names of its enum
        self.annotate(self.tree)

    def annotate(self, node):
        if isinstance(node, list):
            for n in node:
                self.annotate(n)
        elif isinstance(node, dict):
            if "offset" in node:
                self.current = node.get("file", self.current)
                node["file"] = self.current
            for key, n in node.items():
                if key != "includedFrom":
                    self.annotate(n)
            if node.get("kind") == "EnumDecl":
                constants = [n for n in node.get("inner", []) if n["kind"] == "EnumConstantDecl"]
                for n in constants:
                    self.enums[n["id"]] = [c["name"] for c in constants]

    def place(self, location):
        """Where the location is in this file: its offset, and where its token ends; None elsewhere."""
        if "expansionLoc" in location:
            spelled = location["spellingLoc"]
            if spelled.get("file") == self.path and spelled.get("isMacroArgExpansion",
                                                                location["expansionLoc"].get("isMacroArgExpansion")):
                location = spelled
            else:
                location = location["expansionLoc"]
        if location.get("file") != self.path:
            return None
        start = location["offset"]
        end = start + location["tokLen"]
        return start, end

    def span(self, node):
        begin, end = (self.place(node["range"][side]) if node["range"][side] else None for side in ("begin", "end"))
        if not begin or not end:
            return None
        stop = end[1]
        if "expansionLoc" in node["range"]["end"] and self.bytes[stop:stop + 1] == b"(" and \
                self.bytes[end[0]:stop].isupper():
            stop = self.closing(stop)  # of a macro with arguments
        return (begin[0], stop) if begin[0] < stop else None

    def closing(self, at):
        depth = 0
        for i in range(at, len(self.bytes)):
            depth += {"(": 1, ")": -1}.get(chr(self.bytes[i]), 0)
            if not depth:
                return i + 1
        return at

    def words(self, span):
        return self.bytes[span[0]:span[1]].decode()


def bare(node):
    while node["kind"] in TRANSPARENT and len(node.get("inner", [])) == 1:
        node = node["inner"][0]
    return node


class Finder:
    def __init__(self, source):
        self.source = source
        self.found = {}  # by start, end and text: what it is called
        self.function = None

    def add(self, span, text, shown=None):
        if span and self.source.words(span) != text:
            before = shown or self.source.words(span)
            self.found.setdefault((*span, text), (self.function, " ".join(before.split()), " ".join(text.split())))

    def operator(self, node, left, right, texts):
        """Another operator between the two."""
        a, b, whole = self.source.span(left), self.source.span(right), self.source.span(node)
        if not (a and b and whole) or not a[1] <= b[0]:
            return
        gap = self.source.words((a[1], b[0]))
        code = node["opcode"]
        at = gap.find(code)
        if at < 0:
            return
        at += a[1]
        for text in texts:
            key = (at, at + len(code.encode()), text)
            shown = self.source.words(whole)
            cut = at - whole[0]
            other = shown[:cut] + text + shown[cut + len(code):]
            self.found.setdefault(key, (self.function, " ".join(shown.split()), " ".join(other.split())))

    def negate(self, node):
        """A condition that is neither a comparison nor made of others."""
        inside = bare(node)
        if inside["kind"] == "BinaryOperator" and (inside["opcode"] in COMPARISONS or inside["opcode"] in ("&&", "||")):
            return
        if inside["kind"] == "UnaryOperator" and inside["opcode"] == "!" or inside["kind"] == "IntegerLiteral":
            return
        span = self.source.span(node)
        if span:
            self.add(span, f"!({self.source.words(span)})")

    def expression(self, node):
        kind, inner = node["kind"], node.get("inner", [])
        span = self.source.span(node) if "range" in node else None
        if kind in ("BinaryOperator", "CompoundAssignOperator"):
            code = node["opcode"]
            self.operator(node, *inner, COMPARISONS.get(code, [SWAPS[code]] if code in SWAPS else []))
            if code in ("&&", "||"):
                for operand in inner:
                    part = self.source.span(operand)
                    if part:
                        self.add(span, f"({self.source.words(part)})")
                    self.negate(operand)
        elif kind == "UnaryOperator" and node["opcode"] == "!":
            part = self.source.span(inner[0])
            if part:
                self.add(span, self.source.words(part))
        elif kind == "ConditionalOperator":
            self.negate(inner[0])
            for branch in inner[1:]:
                part = self.source.span(branch)
                if part:
                    self.add(span, f"({self.source.words(part)})")
        elif kind == "IntegerLiteral" and span:
            text = self.source.words(span)
            if text in ("true", "false"):
                self.add(span, "false" if text == "true" else "true")
            elif re.fullmatch(r"[0-9]+u?", text):
                value = int(text.rstrip("u"))
                self.add(span, str(value + 1))
                if value == 1:
                    self.add(span, "0")
        elif kind == "DeclRefExpr" and span:
            names = self.source.enums.get(node["referencedDecl"]["id"])
            name = self.source.words(span)
            if names and name in names and len(names) > 1:
                i = names.index(name)
                following = names[i + 1] if i + 1 < len(names) and not names[i + 1].endswith("_COUNT") else names[i - 1]
                self.add(span, following)
        elif kind == "StringLiteral" and span:
            text = self.source.words(span)
            if re.fullmatch(r'"[a-z][a-z-]*"', text):
                self.add(span, '"mutant"')

    def statement(self, node):
        """One that may be left out."""
        kind = node["kind"]
        span = self.source.span(node) if "range" in node else None
        assigns = kind == "BinaryOperator" and node["opcode"] == "="
        counts = kind == "UnaryOperator" and node["opcode"] in ("++", "--")
        if kind == "CallExpr" and FREES.fullmatch(bare(node["inner"][0]).get("referencedDecl", {}).get("name", "")):
            return  # a leak is what sanitizers and valgrind are for
        if kind in ("CallExpr", "CompoundAssignOperator", "BreakStmt", "ContinueStmt") or assigns or counts or \
                kind == "ReturnStmt" and not node.get("inner"):
            self.add(span, "(void)0")

    def visit(self, node):
        kind, inner = node.get("kind"), [n for n in node.get("inner", []) if n.get("kind")]
        if kind == "FunctionDecl":
            self.function = node["name"]
        if kind == "StaticAssertDecl":
            return
        if kind == "CompoundStmt":
            for n in inner:
                self.statement(n)
        elif kind in ("IfStmt", "WhileStmt"):
            self.negate(inner[0])
            for n in inner[1:]:
                self.statement(n)
        elif kind == "ForStmt":
            self.statement(inner[-1])
        elif kind == "ReturnStmt" and inner and inner[0].get("type", {}).get("qualType") in ("bool", "_Bool"):
            self.negate(inner[0])
        self.expression(node)
        for n in inner:
            self.visit(n)
        if kind in ("FunctionDecl", "VarDecl") and self.function == node.get("name"):
            self.function = None

    def file(self):
        for node in self.source.tree["inner"]:
            where = node.get("loc", {})
            where = where.get("expansionLoc", where)
            if where.get("file") != self.source.path:
                continue
            if node["kind"] == "VarDecl":
                self.function = node["name"]
            elif node["kind"] == "EnumDecl":
                self.function = "enum"
            self.visit(node)


def rows_left_out(path, text):
    for match in re.finditer(r"\[(ROW_\w+)\] = \{\w+, \w+\},", text):
        yield match.span(), "", f"the table: without {match[1]}"


def rows_too_low(path, text):
    """Of the rows' own header: each below the next one."""
    rows = list(re.finditer(r"    X\((\w+),(?:[^()]|\([^()]*\))*\)", text))
    for a, b in zip(rows, rows[1:]):
        between = text[a.end():b.start()]
        yield (a.start(), b.end()), b[0] + between + a[0], f"the rows: {a[1]} below {b[1]}"


def mutants_of(root, path, flags):
    with open(f"{root}/{path}", encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".h"):
        found = [(*span, other, name) for span, other, name in rows_too_low(path, text)]
    else:
        finder = Finder(Source(root, path, flags))
        finder.file()
        found = [(*place, f"{what[0] or 'file'}: {what[1]} -> {what[2]}") for place, what in finder.found.items()]
        found += [(*span, other, name) for span, other, name in rows_left_out(path, text)]
    seen = collections.Counter()
    data = text.encode()
    for start, end, other, name in sorted(found):
        seen[name] += 1
        key = f"{path} {name}" + (f" #{seen[name]}" if seen[name] > 1 else "")
        yield Mutant(path, data[:start].count(b"\n") + 1, start, end, other, key)
