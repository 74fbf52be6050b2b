#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The reference in xenrecon-policy(5), written from the JSON Schema:   policy_page.py SCHEMA PAGE [--write]

Compares what stands in PAGE between the headings FIELDS and VALUES with what the schema has, and says how they differ;
with --write it puts it there.
"""
import difflib
import json
import sys


def word(value):
    """As YAML has it."""
    return json.dumps(value).strip('"')


def escape(text):
    """For scdoc."""
    for special in "\\*_<>#":
        text = text.replace(special, "\\" + special)
    return text


def values(field):
    """What may stand there, and what does if nothing stands there."""
    kind = field.get("type")
    if "enum" in field:
        text = " | ".join(map(word, field["enum"]))
    elif kind == "boolean":
        text = "true | false"
    elif kind == "integer":
        text = f"{field['minimum']} to {field['maximum']}"
    elif kind == "array":
        text = "a list"
    elif kind == "object" or isinstance(kind, list) and "object" in kind:
        text = "a mapping"
    elif "(ms|s|m|h)" in json.dumps(field):
        text = "a duration"
    elif "pattern" not in field and "minLength" in field:
        text = "a regular expression"
    else:
        text = "a word"
    if "default" in field:
        text += f"; default {word(field['default'])}"
    return text


def lines(properties, prefix, required):
    """The fields, each with what is known of it."""
    for name, field in properties.items():
        text = values(field) + ("; must be given" if name in required else "")
        yield f"*{prefix}{name}*: {escape(text)}"
        about = escape(field["description"])
        yield f"\t{about[0].upper()}{about[1:]}."
        yield ""
        more = field.get("additionalProperties")
        if isinstance(more, dict) and "properties" in more:
            yield from lines(more["properties"], f"{name}: KEY: ", more.get("required", []))
        elif "properties" in field:
            yield from lines(field["properties"], f"{name}: ", field.get("required", []))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        page = file.read()
    wanted = "\n".join(lines(schema["properties"], "", schema["required"]))
    before, rest = page.split("# FIELDS\n\n", 1)
    present, after = rest.split("\n# VALUES\n", 1)
    if sys.argv[3:] == ["--write"]:
        with open(sys.argv[2], "w", encoding="utf-8") as file:
            file.write(f"{before}# FIELDS\n\n{wanted}\n# VALUES\n{after}")
        return 0
    difference = list(difflib.unified_diff(present.splitlines(), wanted.splitlines(), sys.argv[2], sys.argv[1], lineterm=""))
    print("\n".join(difference), end="")
    return bool(difference)


sys.exit(main())
