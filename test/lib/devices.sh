# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# After testlib.sh, for tests of how devices live: policies, frontends, and what xenrecon says and does about a device.
# Devices go by their keys, qdisk/7/51712.
# shellcheck disable=SC2154  # what testlib.sh sets
backends=/local/domain/0/backend
policies=$dir/policies
mkdir "$policies"

# policy TYPE: from standard input, behind the lines that every policy has
policy() {
    { printf 'version: 1\ntype: %s\n' "$1" && cat; } >"$policies/$1.yaml"
}

# A disk as the tests like it: it needs keys on both sides, and publishes one. Further lines from standard input.
policy_qdisk() {
    { cat <<'END' && cat; } | policy qdisk
frontend: vbd
owner: xenrecon
backend-keys:
  params: {required: true, match: '^(raw|qcow2):/'}
  mode: {required: true, enum: [r, w]}
frontend-keys:
  ring-ref: {type: uint32, required: connect}
  event-channel: {type: uint32, required: connect}
publish: {feature-flush-cache: 1}
END
}

b_of() {
    echo "$backends/$1"
}

f_of() {
    local type domid devid
    IFS=/ read -r type domid devid <<<"$1"
    [ "$type" != qdisk ] || type=vbd
    echo "/local/domain/$domid/device/$type/$devid"
}

# The marker's words: incarnation, the state that was written, the ring or -.
incarnation_of() {
    xenstore-read "$(b_of "$1")/xenrecon" | cut -d ' ' -f 1
}

wrote_of() {
    xenstore-read "$(b_of "$1")/xenrecon" | cut -d ' ' -f 2
}

ring_of() {
    xenstore-read "$(b_of "$1")/xenrecon" | cut -d ' ' -f 3
}

# attach_qdisk DOMID DEVID [ARGUMENT...]
attach_qdisk() {
    toolstack attach qdisk "$1" "$2" params=raw:/disk.%d mode=w "${@:3}"
}

# play DEVICE PROGRAM [OPTION...]: a frontend in the background, $player
play() {
    frontend "$2" "${@:3}" "$(f_of "$1")" &
    player=$!
}

# played NAME: the frontend came to the end of its program
played() {
    local status=0
    wait "$player" || status=$?
    check "$1" $status 0
}

# ---- what was done

# history MARK PATH: the states that were written there since then, by whomever. What a transaction wrote that was not
# committed does not count.
history() {
    trace_awk '
        { c = $2 }
        $1 == "IN" && $5 == "TRANSACTION_START" { open[c] = 1; held[c] = "" }
        $1 == "IN" && $5 == "TRANSACTION_END" { open[c] = 0; ending[c] = $6 == "(T" }
        $1 == "IN" && $5 == "WRITE" && $6 == path && at >= from {
            if (open[c]) held[c] = held[c] substr($7, 1, 1)
            else printf "%s", substr($7, 1, 1)
        }
        $1 == "OUT" && ending[c] && ($5 == "TRANSACTION_END" || $5 == "ERROR") {
            if ($5 == "TRANSACTION_END") printf "%s", held[c]
            ending[c] = 0
        }' -v from="$1" -v path="($2/state"
}

# What there is of devices, and of directories that were for them.
leftovers() {
    xenstore-ls -f / | grep -E '/(backend|device)/' || true
}

# What xenrecon wrote, removed or made since MARK.
changes_since() {
    trace_since "$1" "$xenrecon_connection" | grep -E '^(WRITE|RM|MKDIR|SET_PERMS) ' || true
}

# untouched NAME MARK: xenrecon changed nothing since then, and has nothing left to do
untouched() {
    await_quiet 100
    check "$1" "$(changes_since "$2")" ""
}

# ---- what is said

# planned DEVICE EXPRESSION: in Python, of `d`, what `plan` has on the device
planned() {
    "${xenrecon[@]}" plan --format json --policies "$policies" "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)["devices"][0]
print(eval(sys.argv[1]))' "$2"
}

# verdict DEVICE: row, actions, findings
verdict() {
    planned "$1" '" ".join([d["row"] + ":"] + [a["action"] for a in d["actions"]] +
        [f["severity"] + "=" + f["code"] for f in d["findings"]])'
}

log_mark() {
    stat -c %s "$dir/xenrecon.log"
}

log_since() {
    tail -c +$(($1 + 1)) "$dir/xenrecon.log"
}

# logged NAME MARK REGEX: the log has, or soon gets, such a line after MARK
logged() {
    local end=$((SECONDS + AWAIT_MS / 1000))
    until log_since "$2" | grep -Eq "$3"; do
        [ $SECONDS -le $end ] || {
            fail "$1: nothing like '$3' in the log"
            return 0
        }
        sleep 0.02
    done
    pass "$1"
}
