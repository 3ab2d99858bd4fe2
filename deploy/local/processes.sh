# Sourced by local.sh: starts, watches and stops the processes of one cluster folder.
#
# Each process is started by a script DIR/run/ID.sh, which can be run again by hand (after a
# kill -9, say) and starts the very same command with the same ports, environment and log. It
# writes its pid to DIR/run/ID.pid. It must not know: what the processes are.
# shellcheck shell=bash disable=SC2034,SC2154 # $dir and $failed are local.sh's

stop_limit_s=10

# Prints $1 free ports of this host's loopback. They lie below the ports that the kernel hands
# out and below the slaves' tunnels, so that a service which is down for a while finds its own free.
free_ports() {
    python3 - "$1" <<'END'
import random, socket, sys
held = []
for port in random.sample(range(12000, 20000), 8000):
    if len(held) == int(sys.argv[1]):
        break
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", port))
        held.append(s)
        print(port)
    except OSError:
        s.close()
END
}

# write_start_script ID [NAME=VALUE...] -- COMMAND...    NAME:=VALUE: only where it is not set
write_start_script() {
    local id=$1 name
    shift
    {
        printf '#!/bin/bash\n# Starts %s of the cluster in this folder, in the foreground.\n' "$id"
        while IFS= read -r name; do
            printf 'export %s=%q\n' "$name" "${!name}"
        done < <(compgen -e MAS4H_ | grep -v '^MAS4H_DEVICE_')
        while [ "$1" != -- ]; do
            case $1 in
                *:=*) printf 'export %s=${%s-%q}\n' "${1%%:=*}" "${1%%:=*}" "${1#*=}" ;;
                *) printf 'export %s=%q\n' "${1%%=*}" "${1#*=}" ;;
            esac
            shift
        done
        shift
        printf 'cd / && rm -f %q\n' "$dir/run/$id.ready"
        printf 'echo $$ >%q\n' "$dir/run/$id.pid"
        printf 'exec'
        printf ' %q' "$@"
        printf ' >>%q 2>&1 </dev/null\n' "$dir/log/$id.log"
    } >"$dir/run/$id.sh"
    chmod 0755 "$dir/run/$id.sh"
}

# Runs ID's script in a session of its own, where a Ctrl-C of this terminal does not reach it.
start() {
    rm -f "$dir/run/$1.pid"
    setsid "$dir/run/$1.sh" 9>&- &
    child_of[$1]=$!
}

pid_of() { cat "$dir/run/$1.pid" 2>/dev/null; }

# Whether process $1 is one of this cluster's: its command line names a file in DIR.
is_ours() { grep -qzF -- "$dir/" "/proc/$1/cmdline" 2>/dev/null; }

# Sets $state and $session of process $1, from what follows the name in its stat line.
read_stat() {
    local line parent group
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -r state parent group session _ <<<"${line##*) }"
    : "$parent" "$group"
}

is_alive() {
    local state session
    read_stat "$1" && [ "$state" != Z ] && [ "$state" != X ]
}

# Prints the pids of ID's process and of all that are left in its session.
processes_of() {
    local pid leader state session
    leader=$(pid_of "$1") && [ -n "$leader" ] || return 0
    for pid in /proc/[0-9]*; do
        pid=${pid#/proc/}
        read_stat "$pid" || continue
        [ "$pid" = "$leader" ] || [ "$session" = "$leader" ] || continue
        [ "$state" != Z ] && is_ours "$pid" && printf '%s\n' "$pid"
    done
    return 0
}

# Sees to it that the processes $2... of ID end, by SIGKILL after the limit. A service that did
# not end as it should makes $failed 1.
see_end() {
    local id=$1 pid deadline=$((SECONDS + stop_limit_s))
    shift
    for pid in "$@"; do
        while is_alive "$pid" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05 9>&-; done
        if is_alive "$pid"; then
            kill -KILL "$pid" 2>/dev/null
            say "$id did not end within $stop_limit_s s: killed"
            failed=1
        fi
    done
    [ -z "${child_of[$id]:-}" ] || take_status "$id"
    rm -f "$dir/run/$id.pid"
}

# Collects the status of ID, a child of ours that has ended.
take_status() {
    local status=0
    { wait "${child_of[$1]}" || status=$?; } 2>/dev/null
    unset "child_of[$1]"
    case $1 in
        master-* | slave-* | gateway-*) ;;
        *) return 0 ;; # it has no orderly end of its own on SIGTERM
    esac
    if [ "$status" -ne 0 ]; then
        say "$1 ended with status $status, its log is $dir/log/$1.log"
        failed=1
    fi
}

ids_of_kind() {
    local file
    for file in "$dir/run/$1"*.pid; do
        [ -e "$file" ] && basename "$file" .pid
    done
    return 0
}

# Stops kind after kind, those who need another first. Each process gets SIGTERM once.
stop_all() {
    local kind id
    local -A pids_of
    for kind in demo-device demo-page slave gateway master nats; do
        pids_of=()
        for id in $(ids_of_kind "$kind"); do
            pids_of[$id]=$(processes_of "$id")
            # shellcheck disable=SC2086 # several pids, or none
            [ -z "${pids_of[$id]}" ] || kill -TERM ${pids_of[$id]} 2>/dev/null
        done
        # shellcheck disable=SC2086 # several pids, or none
        for id in "${!pids_of[@]}"; do see_end "$id" ${pids_of[$id]}; done
    done
}

any_runs() {
    local id pid
    for id in $(ids_of_kind ''); do
        pid=$(pid_of "$id")
        if [ -n "$pid" ] && is_alive "$pid" && is_ours "$pid"; then return 0; fi
    done
    for id in $(ids_of_kind ''); do # what a killed process left behind
        [ -z "$(processes_of "$id")" ] || return 0
    done
    return 1
}

# Waits until `"${@:3}"` succeeds, at most $2 seconds, while ID $1 lives.
await() {
    local id=$1 limit_s=$2 deadline=$((SECONDS + $2))
    shift 2
    while ! "$@"; do
        if ! is_alive "${child_of[$id]}"; then
            give_up "$id" "$id ended while it was to start"
        elif [ "$SECONDS" -ge "$deadline" ]; then
            give_up "$id" "$id was not ready within $limit_s s"
        fi
        sleep 0.05 9>&-
    done
}

# Prints why, and the end of ID's log, and ends this script, whose exit stops what it started.
give_up() {
    say "$2; the end of $dir/log/$1.log:"
    tail -n 20 "$dir/log/$1.log" >&2 || true
    exit 1
}
