#!/usr/bin/env bash
# What goes through one tunnel, mas4h-slave and OpenSSH's sshd side by side on this machine:
# throughput and server CPU each way, round trips, and what a tunnel that moves bulk data does
# to the round trips of another. README.md beside this file says how each is measured. Leaves
# nothing behind.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/throughput.sh [options]
  --seconds S          of each measurement; default 3
  --rounds R           each is taken so often, in turns; the median counts; default 3
  --idle N             hold N idle tunnels at mas4h-slave besides; default 0
  --only mas4h|sshd    measure one of them
Prints Markdown. MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds
nothing; other MAS4H_* variables are handed on to the services.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/bench/measure.sh"
seconds=3 rounds=3 idle=0 only=

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --seconds | --rounds | --idle | --only)
            [ $# -ge 2 ] || die "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done
for number in "$seconds" "$rounds" "$((idle + 1))"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || die "$number: expected a whole number"
done
[[ $only =~ ^(mas4h|sshd)?$ ]] || die "--only $only: expected mas4h or sshd"
command -v python3 >/dev/null || die "python3 is missing: apt-get install python3"
servers=(mas4h sshd)
[ -z "$only" ] || servers=("$only")

# ---- what is started, and how it ends ----

work=$(mktemp -d)
chmod 711 "$work" # sshd reads authorized_keys as the user who logs in
sshd_pid='' cluster_up='' made_run_sshd=''
started=()

stop_all() {
    trap - EXIT
    # shellcheck disable=SC2086 # a pid, or none
    kill "${started[@]}" ${LOAD_PID:-} $sshd_pid 2>/dev/null || true
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

has_port() {
    grep -q 'Allocated port' "$1"
}

declare -A tunnel port user pid

# start_device SERVER NAME: a real `ssh -R` whose port goes to tunnel[SERVER NAME].
start_device() {
    local log=$work/$1-$2.log
    ssh -F /dev/null -N -T -i "$work/device-$2" -p "${port[$1]}" -c aes128-gcm@openssh.com \
        -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes \
        -R "0:127.0.0.1:$service_port" "${user[$1]}@127.0.0.1" 2>"$log" &
    started+=($!)
    wait_until 20 "$1 gives device $2 no port" has_port "$log"
    tunnel[$1 $2]=$(sed -n 's/.*Allocated port \([0-9]*\).*/\1/p' "$log")
}

start_mas4h() {
    local cluster=$work/cluster/cluster.json
    cluster_up=yes
    bash "$root/deploy/local.sh" up --detach --no-device --dir "$work/cluster" --slaves 1 \
        --authorized-keys "$work/keys/authorized_keys" >&2
    pid[mas4h]=$(json slaves 0 pid <"$cluster")
    port[mas4h]=$(json slaves 0 port <"$cluster")
    user[mas4h]=device
}

start_peer() {
    port[sshd]=$(free_port)
    start_sshd "${port[sshd]}" "$work/keys/devices"
    pid[sshd]=$sshd_pid
    user[sshd]=nobody
    [ "$(id -u)" = 0 ] || user[sshd]=$(id -un)
}

hold_idle_tunnels() {
    local summary
    coproc LOAD { exec "$bin/tunnel-load" run --keys "$work/keys" --count "$idle" --port "${port[mas4h]}" \
        --hold-until-stdin-eof; }
    read -r summary <&"${LOAD[0]}" || die "tunnel-load could not run"
    [[ $summary == *failed=0* ]] || die "not every tunnel came up: $summary"
    echo "$summary" >&2
}

# ---- measuring ----

# Each measurement adds a number to a list: results[ROW SERVER].
declare -A results

note() {
    results[$1 $2]+="$3 "
}

server_cpu_us() {
    if [ "$1" = mas4h ]; then
        cpu_us "${pid[mas4h]}"
    else
        # shellcheck disable=SC2046 # several pids
        cpu_us $(with_descendants "${pid[sshd]}")
    fi
}

# flow SERVER to|from : throughput and CPU of one direction
flow() {
    local before after result
    before=$(server_cpu_us "$1")
    result=$("$bin/tunnel-flow" "$2" --port "${tunnel[$1 a]}" --seconds "$seconds")
    after=$(server_cpu_us "$1")
    note "$2 rate" "$1" "$(python3 -c 'import json, sys
flow = json.loads(sys.argv[1])
print("%.2f" % (flow["bytes"] * 8 / flow["seconds"] / 1e9))' "$result")"
    note "$2 cpu" "$1" "$(python3 -c 'import json, sys
print("%.3f" % (int(sys.argv[2]) / 1e6 / (json.loads(sys.argv[1])["bytes"] / 1e9)))' "$result" \
        $((after - before)))"
}

# trips SERVER ROW : round trips through tunnel a
trips() {
    local result
    result=$("$bin/tunnel-flow" ping --port "${tunnel[$1 a]}" --seconds "$seconds")
    note "$2 p50" "$1" "$(json p50_us <<<"$result")"
    note "$2 p99" "$1" "$(json p99_us <<<"$result")"
}

# trips_beside SERVER to|from : the same while tunnel b moves bulk data
trips_beside() {
    local bulk
    "$bin/tunnel-flow" "$2" --port "${tunnel[$1 b]}" --seconds $((seconds + 2)) >"$work/bulk" &
    bulk=$!
    sleep 0.5 # it is under way
    trips "$1" "beside $2"
    wait "$bulk" || die "$1: the bulk data beside was cut"
    rate=$(python3 -c 'import json, sys
flow = json.load(sys.stdin)
print("%.2f" % (flow["bytes"] * 8 / flow["seconds"] / 1e9))' <"$work/bulk")
    note "beside $2 rate" "$1" "$rate"
}

measure() {
    local round server
    for round in $(seq "$rounds"); do
        for server in "${servers[@]}"; do
            echo "round $round, $server" >&2
            flow "$server" to
            flow "$server" from
            trips "$server" quiet
            trips_beside "$server" to
            trips_beside "$server" from
        done
    done
}

# ---- the table ----

median() {
    # shellcheck disable=SC2086 # a list
    printf '%s\n' ${results[$1]:-} | sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}

# row NAME UNIT RESULT more|less : which of both is better
row() {
    local ours theirs ratio=
    ours=$(median "$3 mas4h")
    theirs=$(median "$3 sshd")
    if [ -n "$ours" ] && [ -n "$theirs" ]; then
        ratio=$(awk -v a="$ours" -v b="$theirs" -v way="$4" \
            'BEGIN { printf "%.2f x", way == "more" ? a / b : b / a }')
    fi
    echo "| $1 | ${ours:+$ours $2} | ${theirs:+$theirs $2} | $ratio |"
}

print_table() {
    echo
    echo "$(nproc) x $(sed -n '/^model name/ { s/.*: //p; q }' /proc/cpuinfo), Linux $(uname -r);" \
        "device, service and operator on the same cores; median of $rounds rounds of $seconds s" \
        "each; $idle idle tunnels beside at mas4h."
    echo
    echo "| one tunnel, aes128-gcm | mas4h-slave | sshd | better by |"
    echo "|---|--:|--:|--:|"
    row "to the device" "Gbit/s" "to rate" more
    row "from the device" "Gbit/s" "from rate" more
    row "server CPU to the device" "s/GB" "to cpu" less
    row "server CPU from the device" "s/GB" "from cpu" less
    row "round trip, p50" "us" "quiet p50" less
    row "round trip, p99" "us" "quiet p99" less
    row "p50 while another tunnel sends to its device" "us" "beside to p50" less
    row "p99 while another tunnel sends to its device" "us" "beside to p99" less
    row "(which it does with)" "Gbit/s" "beside to rate" more
    row "p50 while another tunnel receives from its device" "us" "beside from p50" less
    row "p99 while another tunnel receives from its device" "us" "beside from p99" less
    row "(which it does with)" "Gbit/s" "beside from rate" more
    echo
    echo "sshd is $(ssh -V 2>&1 | cut -d, -f1), the devices are its client."
}

if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release &&
        cmake --build --preset release --target tunnel-load --target tunnel-flow) >&2
fi
bin=${MAS4H_BUILD_DIR:-$root/build/release}/bin
"$bin/tunnel-load" keys --count $((idle > 0 ? idle : 1)) --dir "$work/keys"
for name in a b; do
    ssh-keygen -q -t ed25519 -N '' -C "device-$name" -f "$work/device-$name"
    cat "$work/device-$name.pub" >>"$work/keys/devices"
done
cat "$work/keys/devices" >>"$work/keys/authorized_keys"
start_service
for server in "${servers[@]}"; do
    case $server in
        mas4h) start_mas4h ;;
        sshd) start_peer ;;
    esac
    start_device "$server" a
    start_device "$server" b
done
if [ "$idle" -gt 0 ]; then
    hold_idle_tunnels
fi
measure
print_table
