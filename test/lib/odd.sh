# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# An odd store between xenrecon and the real one, for tests that sourced testlib.sh. What it did is in $dir/odd.log.
# shellcheck disable=SC2154  # from testlib.sh
odd_pid=

end_odd() {
    [ -z "$odd_pid" ] || { kill "$odd_pid" && wait "$odd_pid"; } 2>/dev/null || true
    odd_pid=
}

# odd RULE...: at $dir/odd, in place of the one before
odd() {
    end_odd
    rm -f "$dir/odd"
    python3 "$repo/test/rig/odd_store.py" "$dir/odd" "$dir/socket" "$@" </dev/null >"$dir/odd.log" 2>&1 &
    odd_pid=$!
    until [ -S "$dir/odd" ]; do
        kill -0 $odd_pid
        sleep 0.02
    done
}

# at_odd COMMAND...: speaks to it
at_odd() {
    XENSTORED_PATH=$dir/odd "$@"
}

# odd_did WHAT: how often
odd_did() {
    grep -c "^$1 " "$dir/odd.log" || true
}
