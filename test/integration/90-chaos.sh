#!/bin/bash
# SPDX-License-Identifier: MIT
# For CHAOS_SECONDS (6), chaos on a real store; `make chaos` has more of it.
exec "$(dirname "$0")/../chaos/run.sh" "${CHAOS_SECONDS:-6}"
