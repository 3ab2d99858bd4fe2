#!/usr/bin/env bash
# What an operator who comes by SSH gets of a device's tunnel: by its name at the slave where it hangs, by its
# name at another slave, and through OpenSSH's sshd (`ssh -J sshd` to a port that `ssh -R` has opened there); the
# plain port beside. Throughput each way and round trips.
# README.md beside this file says how each is measured. Leaves nothing behind.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/reach.sh [options]
  --seconds S          of each measurement; default 3
  --rounds R           each is taken so often, in turns; the median counts; default 3
Prints Markdown. MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds
nothing; other MAS4H_* variables are handed on to the services.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/measure.sh"
seconds=3 rounds=3

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --seconds | --rounds)
            [ $# -ge 2 ] || die "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done
for number in "$seconds" "$rounds"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || die "$number: expected a whole number"
done
command -v python3 >/dev/null || die "python3 is missing: apt-get install python3"
ways=(port near far sshd)

# ---- what is started, and how it ends ----

work=$(mktemp -d)
chmod 711 "$work" # sshd reads authorized_keys as the user who logs in
sshd_pid='' cluster_up='' made_run_sshd=''
started=()

stop_all() {
    trap - EXIT
    # shellcheck disable=SC2086 # a pid, or none
    kill "${started[@]}" $sshd_pid 2>/dev/null || true
    [ -z "$cluster_up" ] || bash "$root/deploy/local.sh" down --dir "$work/cluster" >&2 || true
    wait
    [ -z "$made_run_sshd" ] || rmdir /run/sshd 2>/dev/null || true
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

start_service() {
    "$bin/tunnel-flow" serve >"$work/service" &
    started+=($!)
    wait_until 10 "the service does not start" grep -q port= "$work/service"
    service_port=$(sed -n 's/^port=//p' "$work/service")
}

# start_ssh KEY PORT USER ARGUMENT... : a real ssh, as fast as it can
start_ssh() {
    local key=$1 port=$2 user=$3
    shift 3
    ssh -F /dev/null -N -T -i "$work/$key" -p "$port" -c aes128-gcm@openssh.com \
        -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes -o LogLevel=INFO "$@" "$user@127.0.0.1" &
    started+=($!)
}

has_port() {
    grep -q 'Allocated port' "$1"
}

# start_device NAME PORT USER: its port goes to tunnel[NAME].
declare -A tunnel
start_device() {
    start_ssh device "$2" "$3" -R "0:127.0.0.1:$service_port" 2>"$work/$1.log"
    wait_until 20 "the device gets no port at $1" has_port "$work/$1.log"
    tunnel[$1]=$(sed -n 's/.*Allocated port \([0-9]*\).*/\1/p' "$work/$1.log")
}

# start_operator WAY PORT USER HOST HOST_PORT: an ssh -L, whose port goes to at[WAY].
declare -A at
start_operator() {
    at[$1]=$(free_port)
    start_ssh operator "$2" "$3" -L "127.0.0.1:${at[$1]}:$4:$5" 2>"$work/operator-$1.log"
    wait_until 20 "the operator's ssh does not listen: $(cat "$work/operator-$1.log")" accepts "${at[$1]}"
}

start_cluster() {
    local cluster=$work/cluster/cluster.json
    cluster_up=yes
    {
        echo "$(cut -d' ' -f1,2 "$work/device.pub") bench-device"
        echo "operator=\"bench\",permitopen=\"bench-*:*\" $(cut -d' ' -f1,2 "$work/operator.pub")"
    } >"$work/authorized_keys"
    bash "$root/deploy/local.sh" up --detach --no-device --dir "$work/cluster" --slaves 2 \
        --authorized-keys "$work/authorized_keys" >&2
    near=$(json slaves 0 port <"$cluster")
    far=$(json slaves 1 port <"$cluster")
}

start_peer() {
    user=nobody
    [ "$(id -u)" = 0 ] || user=$(id -un)
    cat "$work/device.pub" "$work/operator.pub" >"$work/sshd_keys"
    peer=$(free_port)
    start_sshd "$peer" "$work/sshd_keys"
}

# ---- measuring ----

# Each measurement adds a number to a list: results[ROW WAY].
declare -A results

note() {
    results[$1 $2]+="$3 "
}

measure_way() {
    local way=$1 direction result
    for direction in to from; do
        result=$("$bin/tunnel-flow" "$direction" --port "${at[$way]}" --seconds "$seconds")
        note "$direction" "$way" "$(python3 -c 'import json, sys
flow = json.loads(sys.argv[1])
print("%.2f" % (flow["bytes"] * 8 / flow["seconds"] / 1e9))' "$result")"
    done
    result=$("$bin/tunnel-flow" ping --port "${at[$way]}" --seconds "$seconds")
    note p50 "$way" "$(json p50_us <<<"$result")"
    note p99 "$way" "$(json p99_us <<<"$result")"
}

median() {
    # shellcheck disable=SC2086 # a list
    printf '%s\n' ${results[$1]:-} | sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}

# row NAME RESULT
row() {
    local way line="| $1 |"
    for way in "${ways[@]}"; do
        line+=" $(median "$2 $way") |"
    done
    echo "$line"
}

print_table() {
    echo
    echo "$(nproc) x $(sed -n '/^model name/ { s/.*: //p; q }' /proc/cpuinfo), Linux $(uname -r);" \
        "device, service, slaves and operator on the same cores; median of $rounds rounds of $seconds s each;" \
        "aes128-gcm everywhere."
    echo
    echo "| an operator | at the port | by name, at its slave | by name, at another slave | by ssh -J, at sshd |"
    echo "|---|--:|--:|--:|--:|"
    row "to the device, Gbit/s" to
    row "from the device, Gbit/s" from
    row "round trip, p50, us" p50
    row "round trip, p99, us" p99
    echo
    echo "sshd is $(ssh -V 2>&1 | cut -d, -f1); the device and, but for the port, the operator are its client."
}

if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release && cmake --build --preset release --target tunnel-flow) >&2
fi
bin=${MAS4H_BUILD_DIR:-$root/build/release}/bin
for name in device operator; do
    ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$work/$name"
done
start_service
start_cluster
start_peer
start_device mas4h "$near" device
start_device sshd "$peer" "$user"
at[port]=${tunnel[mas4h]}
start_operator near "$near" ops bench-device 22
start_operator far "$far" ops bench-device 22
start_operator sshd "$peer" "$user" 127.0.0.1 "${tunnel[sshd]}"
for round in $(seq "$rounds"); do
    for way in "${ways[@]}"; do
        echo "round $round, $way" >&2
        measure_way "$way"
    done
done
print_table
