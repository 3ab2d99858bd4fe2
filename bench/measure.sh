# Sourced by the benchmarks: waiting, reading JSON and /proc, and an sshd of our own.
# shellcheck shell=bash disable=SC2034,SC2154 # $work and $sshd_pid are the sourcing script's

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# wait_until SECONDS WHAT COMMAND...
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || die "timed out: $what"
        sleep 0.1
    done
}

# json KEY... : the value under these keys in the JSON on stdin
json() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

children() {
    local task list pids=
    for task in "/proc/$1/task/"*; do
        read -r list <"$task/children" || true
        pids+=" $list"
    done 2>/dev/null
    echo "$pids"
}

with_descendants() {
    local pid child
    for pid in "$@"; do
        echo "$pid"
        for child in $(children "$pid"); do
            with_descendants "$child"
        done
    done
}

# CPU time in us of these processes, to the microsecond: that of their threads that live.
cpu_us() {
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/task/"*/schedstat
    done 2>/dev/null | awk '{ ns += $1 } END { printf "%.0f", ns / 1000 }'
}

accepts() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start_sshd PORT AUTHORIZED_KEYS: sets sshd_pid. As root, devices log in as nobody: root's
# sessions have one process instead of two.
start_sshd() {
    [ -x /usr/sbin/sshd ] || die "/usr/sbin/sshd is missing: apt-get install openssh-server"
    ssh-keygen -q -t ed25519 -N '' -f "$work/sshd_host_key"
    cat >"$work/sshd_config" <<END
Port $1
ListenAddress 127.0.0.1
HostKey $work/sshd_host_key
PidFile none
AuthorizedKeysFile $2
StrictModes no
UsePAM no
MaxStartups 20000
LogLevel ERROR
ClientAliveInterval 15
END
    if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then
        mkdir -p /run/sshd
        made_run_sshd=yes
    fi
    /usr/sbin/sshd -D -f "$work/sshd_config" -E "$work/sshd.log" &
    sshd_pid=$!
    wait_until 10 "sshd does not answer: $(cat "$work/sshd.log" 2>/dev/null)" accepts "$1"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
