#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash and zsh complete.
# shellcheck source=test/lib/testlib.sh
. "$(dirname "$0")/../lib/testlib.sh"
mkdir "$dir/policies" "$dir/bin" "$dir/zsh"
printf 'version: 1\ntype: mydisk\nowner: xenrecon\n' >"$dir/policies/mydisk.yaml"
# The program as it is called here: with policies and a run directory of this test's own
export XENRECON_RUNTIME_DIR=$dir/run
cat >"$dir/bin/xenrecon" <<END
#!/bin/bash
[[ \$1/\$2 != plan/* && \$1/\$2 != policy/show ]] || set -- "\$@" --policies "$dir/policies"
exec ${xenrecon[*]} "\$@"
END
chmod 755 "$dir/bin/xenrecon"
PATH=$dir/bin:$PATH
toolstack attach mydisk 7 51712
toolstack attach mydisk 12 0

# ---- bash

# shellcheck source=deploy/completions/xenrecon.bash
. "$repo/deploy/completions/xenrecon.bash"
check "bash: it is registered" "$(complete -p xenrecon)" "complete -o filenames -F _xenrecon xenrecon"
# in_bash WORD...: the completions of the last
in_bash() {
    COMP_WORDS=(xenrecon "$@")
    COMP_CWORD=$#
    _xenrecon xenrecon "${*: -1}" "${COMP_WORDS[COMP_CWORD - 1]}"
    [ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}

# ---- zsh, by a terminal: what it would offer is caught in compadd

cp "$repo/deploy/completions/_xenrecon" "$dir/zsh/"
cat >"$dir/zsh.py" <<'END'
import os, pty, select, sys, time
"""zsh.py FOLDER LINE: what zsh offers for it, sorted."""
folder, line = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(ZDOTDIR=folder, TERM="dumb")
    os.execvp("zsh", ["zsh", "-i"])
def until(text):
    seen = b""
    end = time.time() + 10
    while text not in seen and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:
                break
    return seen
until(b"READY")
os.write(fd, line.encode() + b"\t")
until(b"DONE")
os.write(fd, b"\x15exit\r")
until(b"never")
os.waitpid(pid, 0)
END
cat >"$dir/zsh/.zshrc" <<END
fpath=($dir/zsh \$fpath)
autoload -Uz compinit && compinit -u -D
unsetopt zle_bracketed_paste 2>/dev/null
compadd() {
    local -a found
    builtin compadd -O found "\$@"
    print -l -- \$found >>$dir/offered
    builtin compadd "\$@"
}
finished() { print -n DONE }
zle -C offer complete-word offering
offering() { _main_complete; print -n DONE }
bindkey '^I' offer
PS1='READY'
END
in_zsh() {
    : >"$dir/offered"
    python3 "$dir/zsh.py" "$dir/zsh" "xenrecon $*" </dev/null >/dev/null 2>&1
    sort -u "$dir/offered" | grep . | tr '\n' ' '
}

# both NAME WANT WORD...
both() {
    local name=$1 want=$2
    shift 2
    check "bash: $name" "$(in_bash "$@")" "$want"
    check "zsh: $name" "$(in_zsh "$@")" "$want"
}
both "commands" "check events explain history logs plan policy run status wait " ""
both "commands that begin so" "plan policy " p
both "policy's commands" "check new schema show " policy ""
both "options" "--dry-run " run --d
both "devices, out of the store" "mydisk/12/0 mydisk/7/51712 " explain ""
both "a device that begins so" "mydisk/7/51712 " plan mydisk/7
both "policy types" "mydisk " policy show my
both "an option's words" "csv html json text wide " plan --format ""
both "of status, which has no page" "json text wide " status --format ""
start_xenrecon --policies "$dir/policies"
toolstack attach mydisk 13 0
await /local/domain/0/backend/mydisk/13/0/state 2
both "devices, from the daemon" "mydisk/12/0 mydisk/13/0 mydisk/7/51712 " history ""

# ---- nothing is forgotten

for command in run plan explain status history events logs wait check; do
    # shellcheck disable=SC2086  # words
    offered=$(in_bash $command -- | tr ' ' '\n' | grep . | sort -u)
    # shellcheck disable=SC2086
    has=$("${xenrecon[@]}" ${command%% *} --help | grep -oE -- '(^|[ [])--[a-z-]+' | tr -d ' [' | sort -u)
    check "bash: every option of $command" "$offered" "$has"
    check "zsh: every option of $command" \
        "$(for option in $has; do grep -q -- "$option" "$repo/deploy/completions/_xenrecon" || echo "$option"; done)" ""
done
