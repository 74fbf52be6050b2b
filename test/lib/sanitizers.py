# SPDX-License-Identifier: MIT
"""What sanitizers are told by the environment, for workers: these inherit nothing."""
import json
import os

# As a value of `environment` in a policy
FOR_WORKERS = json.dumps({name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ})


def preloaded(library):
    """The environment in which a program has it: it may come before a sanitizer's own, too."""
    told = os.environ.get("ASAN_OPTIONS")
    return {"LD_PRELOAD": library, **({"ASAN_OPTIONS": told + ":verify_asan_link_order=0"} if told else {})}
