# bash completion of mas4hctl: /usr/share/bash-completion/completions/mas4hctl, or source it.
# Slaves and devices are asked of the gateway that the line names, or that would be asked; at most
# 200 names, within a second.
# shellcheck shell=bash disable=SC2207 # names of slaves have no spaces; client keys are read by line

_mas4hctl_commands='status slaves slave tunnels tunnel slot kick drain events audit top token ssh ssh-config device revoke lift revocations'
_mas4hctl_everywhere='--gateway --token-file --cacert --config --timeout --color --help --version --print-config'

# The options of a command.
_mas4hctl_options() {
    case $1 in
        status | slave | tunnel) echo --json ;;
        slaves) echo --json --quiet --region --limit ;;
        tunnels) echo --json --quiet --region --slave --prefix --label --limit ;;
        slot) echo --json --region --client-key ;;
        kick) echo --json --yes ;;
        drain) echo --json --yes --wait ;;
        audit) echo --json --follow --since --until --actor --action --device --limit ;;
        events) echo --json --follow --region --slave --client-key --type --after --limit ;;
        top) echo --interval ;;
        device) echo --json --yes --quiet --limit --prefix --state --client-key --operator --devices --label --ports --port --region --expires --comment --reason --replace ;;
        revoke) echo --json --yes --ban --reason ;;
        lift) echo --reason ;;
        revocations) echo --json --quiet --limit --banned ;;
        ssh) echo --identity --user --slave --region --suffix ;;
        ssh-config) echo --identity --slave --region --suffix --write ;;
        token) echo --name --scope --expires --rate ;;
    esac
}

# _mas4hctl_ask COMMAND OPTION...: by the same program, with what the line says of the gateway.
_mas4hctl_ask() {
    local i settings=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -g | --gateway | -t | --token-file | --cacert | --config)
                # readline takes ":" and "=" for words of their own
                local name=${COMP_WORDS[i]} value=''
                [[ ${COMP_WORDS[i + 1]} != '=' ]] || ((i++))
                for ((i++; i < COMP_CWORD; i++)); do
                    value+=${COMP_WORDS[i]}
                    [[ ${COMP_WORDS[i + 1]} == : || ${COMP_WORDS[i]} == : ]] || break
                done
                settings+=("$name" "$value")
                ;;
        esac
    done
    "${COMP_WORDS[0]}" "${settings[@]}" --timeout 1 "$@" --quiet --limit 200 2>/dev/null
}

_mas4hctl_slaves() { COMPREPLY=($(compgen -W "$(_mas4hctl_ask slaves)" -- "$1")); }

_mas4hctl_devices() {
    local name
    while IFS= read -r name; do
        COMPREPLY+=("$(printf '%q' "$name")")
    done < <(_mas4hctl_ask tunnels ${1:+--prefix "$1"})
}

# The command of the line, or nothing.
_mas4hctl_command() {
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -g | --gateway | -t | --token-file | --cacert | --config | --timeout | --color) ((i++)) ;;
            -*) ;;
            *)
                if [[ " $_mas4hctl_commands " == *" ${COMP_WORDS[i]} "* ]]; then
                    echo "${COMP_WORDS[i]}"
                    return
                fi
                ;;
        esac
    done
}

_mas4hctl() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command
    command=$(_mas4hctl_command)
    COMPREPLY=()
    case $previous in
        --slave | -s) _mas4hctl_slaves "$word" && return ;;
        --client-key | -k | --prefix | -p) _mas4hctl_devices "$word" && return ;;
        --token-file | -t | --cacert | --config | --identity | --write) COMPREPLY=($(compgen -f -- "$word")) && return ;;
        --color) COMPREPLY=($(compgen -W 'auto always never' -- "$word")) && return ;;
        --state) COMPREPLY=($(compgen -W 'enabled disabled pending' -- "$word")) && return ;;
        --scope) COMPREPLY=($(compgen -W 'slot read operate' -- "$word")) && return ;;
        --type)
            COMPREPLY=($(compgen -W 'connect disconnect start drain stop refuse flapping access reload load' -- "$word"))
            return
            ;;
        --gateway | -g | --timeout | --interval | -i | --region | -r | --limit | -n | --after | --name | --expires | --rate | --user | -u | --suffix | --operator | --devices | --ports | --port | --comment | --reason)
            return
            ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$_mas4hctl_everywhere $(_mas4hctl_options "$command")" -- "$word"))
        return
    fi
    case $command in
        '') COMPREPLY=($(compgen -W "$_mas4hctl_commands" -- "$word")) ;;
        slave | drain) _mas4hctl_slaves "$word" ;;
        tunnel | kick | ssh | revoke) _mas4hctl_devices "$word" ;;
        device)
            COMPREPLY=($(compgen -W 'list show add import disable enable remove pending approve reject' -- "$word"))
            ;;
        token) COMPREPLY=($(compgen -W new -- "$word")) ;;
    esac
}

complete -F _mas4hctl mas4hctl
