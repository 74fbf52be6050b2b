#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is it as the schema says?   validate.py [--lines] SCHEMA FILE...   (- is stdin; --lines: each line of them)"""
import json
import sys

import jsonschema

lines = sys.argv[1] == "--lines"
if lines:
    del sys.argv[1]
with open(sys.argv[1], encoding="utf-8") as schema:
    validator = jsonschema.Draft7Validator(json.load(schema))
validator.check_schema(validator.schema)
wrong = 0
for path in sys.argv[2:]:
    with (sys.stdin if path == "-" else open(path, encoding="utf-8")) as file:
        for part in file if lines else [file.read()]:
            for error in validator.iter_errors(json.loads(part)):
                print(f"{path}: {error.json_path}: {error.message}")
                wrong = 1
sys.exit(wrong)
