#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The reference in xenrecon-policy(5), written from the JSON Schema:   policy_page.py SCHEMA PAGE [--write]

Compares what stands in PAGE between the headings FIELDS and VALUES with what the schema has, and says how they differ;
with --write it puts it there.
"""
import json
import sys

from page_part import escape, settle


def word(value):
    """As YAML has it."""
    return json.dumps(value).strip('"')


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
    wanted = "\n".join(lines(schema["properties"], "", schema["required"]))
    return settle(sys.argv[2], "FIELDS", "VALUES", wanted, sys.argv[3:] == ["--write"])


sys.exit(main())
