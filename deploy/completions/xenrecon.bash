# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion of xenrecon(8) for bash; wants nothing but bash, grep and sed.

# Devices as the daemon has them, or as they are in the store.
_xenrecon_devices() {
    { "$1" status --format json || "$1" plan --format json; } 2>/dev/null | grep -oE '"device": ?"[^"]*"' | sed 's/.*"\(.*\)"/\1/'
}

_xenrecon_types() {
    "$1" policy show 2>/dev/null | sed -n 's/^type: //p'
}

_xenrecon() {
    local program=$1 word=$2 previous=$3 command=${COMP_WORDS[1]-} sub=${COMP_WORDS[2]-} options=''
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        options='run plan explain status history events logs wait check policy'
        [[ $word != -* ]] || options='--help --version'
    elif [ "$command" = policy ] && [ "$COMP_CWORD" = 2 ]; then
        options='check show new schema'
        [[ $word != -* ]] || options=--help
    fi
    if [ -n "$options" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
    fi
    case $previous in
    --policies | --runtime-dir | --export)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --dump | --metrics-file)
        mapfile -t COMPREPLY < <(compgen -f -W - -- "$word")
        return
        ;;
    --format | --log-format)
        options='text json'
        [ "$command" != plan ] || options+=' html csv'
        [[ $command != @(plan|status) ]] || options+=' wide'
        [[ $command != @(events|logs) ]] || options='text jsonl'
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
        return
        ;;
    --color)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word")
        return
        ;;
    --domain)
        mapfile -t COMPREPLY < <(compgen -W all -- "$word")
        return
        ;;
    --for)
        mapfile -t COMPREPLY < <(compgen -W 'connected closed gone ok' -- "$word")
        return
        ;;
    --warning | --critical)
        mapfile -t COMPREPLY < <(compgen -W 'failed degraded unknown pending ok' -- "$word")
        return
        ;;
    --resync | --last | --timeout | --since) return ;;
    esac
    case $command in
    run) options='--once --dry-run --policies --resync --runtime-dir --readers --metrics-file --log-format --quiet --verbose' ;;
    plan) options='--dump --domain --format --color --problems --detailed-exitcode --policies --runtime-dir --quiet' ;;
    explain) options='--dump --domain --export --color --table --policies --runtime-dir --quiet' ;;
    status) options='--watch --format --color --runtime-dir --quiet' ;;
    history) options='--last --format --color --runtime-dir --quiet' ;;
    events | logs) options='--since --follow --format --color --runtime-dir --quiet' ;;
    wait) options='--for --timeout --runtime-dir --quiet' ;;
    check) options='--warning --critical --runtime-dir' ;;
    policy)
        case $sub in
        check) options='--quiet --policies' ;;
        show) options='--policies' ;;
        esac
        ;;
    *) return ;;
    esac
    if [[ $word = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options --help" -- "$word")
        return
    fi
    case $command/$sub in
    plan/* | explain/* | status/* | history/* | events/* | logs/* | wait/* | check/*)
        mapfile -t COMPREPLY < <(compgen -W "$(_xenrecon_devices "$program")" -- "$word")
        ;;
    policy/show | policy/new) mapfile -t COMPREPLY < <(compgen -W "$(_xenrecon_types "$program")" -- "$word") ;;
    policy/check) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}

complete -o filenames -F _xenrecon xenrecon
