#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Validates policies against their JSON Schema:   policies.py SCHEMA POLICY..."""
import json
import sys

import jsonschema
import yaml


def main(schema_path, *paths):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            policy = yaml.safe_load(file)
        for error in validator.iter_errors(policy):
            print(f"{path}: {error.json_path}: {error.message}")
            wrong += 1
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
