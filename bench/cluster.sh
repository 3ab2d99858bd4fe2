#!/usr/bin/env bash
# What the master can do: slots given per second beside a bare NATS echo, time until it is ready,
# its memory for each tunnel, events taken per second, and how long until REST shows one, with as many simulated slaves and
# tunnels as asked for. README.md beside this file says how each is measured. Leaves nothing behind.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/cluster.sh [options]
  --tunnels "N ..."    tunnels of all slaves together; default "0 100000 1000000"
  --slaves N           default 100
  --in-flight "K ..."  requests at a time; default "1 64 256"
  --seconds S          of each measurement; default 3
  --events N           to take; default 200000
  --samples N          of how long until REST shows a device; default 400, 0: not measured
Prints Markdown. MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds nothing.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=bench/measure.sh
. "$root/bench/measure.sh"
tunnels="0 100000 1000000"
slaves=100
in_flight="1 64 256"
seconds=3
events=200000
samples=400

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --tunnels | --slaves | --in-flight | --seconds | --events | --samples)
            [ $# -ge 2 ] || die "$1 needs a value"
            name=${1#--}
            printf -v "${name//-/_}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done

build=${MAS4H_BUILD_DIR:-$root/build/release}
if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release >&2 && cmake --build --preset release >&2)
fi
load=$build/bin/cluster-load
work=$(mktemp -d)
nats_pid=
master_pid=
gateway_pid=
echo_pid=

stop_all() {
    trap - EXIT
    local pid
    for pid in "$gateway_pid" "$master_pid" "${FLEET_PID:-}" "$echo_pid" "$nats_pid"; do
        [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# ---- what is started ----

port=$(free_port)
http=$(free_port)
rest=$(free_port)
monitor=$(free_port)
url=nats://127.0.0.1:$port
printf 'listen: 127.0.0.1:%s\nhttp: 127.0.0.1:%s\nmax_payload: 262144\n' "$port" "$monitor" \
    >"$work/nats.conf"
nats-server -c "$work/nats.conf" >"$work/nats.log" 2>&1 &
nats_pid=$!
wait_until 10 "nats-server does not answer" accepts "$port"
mkfifo "$work/echo.in"
"$load" echo --url "$url" <"$work/echo.in" >"$work/echo.out" &
echo_pid=$!
exec {echo_in}>"$work/echo.in"
wait_until 10 "the echo does not start" grep -q ready "$work/echo.out"

start_fleet() {
    coproc FLEET { exec "$load" slaves --url "$url" --slaves "$slaves" --tunnels "$1" --gateway "127.0.0.1:$rest" 2>>"$work/fleet.log"; }
    read -r _ <&"${FLEET[0]}" || die "the slaves could not start"
}

stop_fleet() {
    local pid=$FLEET_PID in=${FLEET[1]}
    exec {in}>&-
    wait "$pid" || true
    FLEET_PID=
}

is_ready() {
    curl -fso "$work/ready" "http://127.0.0.1:$http/readyz"
}

# Starts a master and sets `ready_s`, from its start to /readyz.
start_master() {
    local from deadline=$((SECONDS + 120))
    from=$(date +%s%N)
    "$build/bin/mas4h-master" --set nats.url="$url" --set http.listen="127.0.0.1:$http" \
        --set dispatch.slots_per_second=0 >"$work/master.log" 2>&1 &
    master_pid=$!
    until is_ready; do
        [ "$SECONDS" -lt "$deadline" ] || die "not ready: $(tail -3 "$work/master.log")"
        sleep 0.02
    done
    ready_s=$(awk -v ns=$(($(date +%s%N) - from)) 'BEGIN { printf "%.1f", ns / 1e9 }')
}

stop_master() {
    kill "$master_pid"
    wait "$master_pid" || true
    master_pid=
}

start_gateway() {
    "$build/bin/mas4h-gateway" --set nats.url="$url" --set http.listen="127.0.0.1:$rest" \
        >"$work/gateway.log" 2>&1 &
    gateway_pid=$!
    wait_until 10 "the gateway does not answer" curl -fso "$work/rest" "http://127.0.0.1:$rest/v1/cluster"
}

pss_bytes() {
    awk '/^Pss:/ { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

# Bytes that nats-server has taken so far: payloads and headers.
bus_bytes() {
    curl -fs "http://127.0.0.1:$monitor/varz" | json in_bytes
}

# ---- the measurements ----

ask() {
    "$load" ask --url "$url" --seconds "$seconds" "$@"
}

row() {
    local held=$1 k=$2 echo slot
    echo=$(ask --in-flight "$k" --subject bench.echo --devices "$devices")
    slot=$(ask --in-flight "$k" --devices "$devices")
    [ "$(json problems <<<"$slot")" = 0 ] || echo "requests without a slot: $slot" >&2
    awk -v held="$held" -v k="$k" -v e="$(json per_second <<<"$echo")" \
        -v s="$(json per_second <<<"$slot")" -v e50="$(json p50_us <<<"$echo")" \
        -v e99="$(json p99_us <<<"$echo")" -v s50="$(json p50_us <<<"$slot")" \
        -v s99="$(json p99_us <<<"$slot")" 'BEGIN {
            printf "| %d | %d | %d | %d | %.2f | %d / %d | %d / %d |\n", held, k, s, e,
                (e > 0 ? s / e : 0), s50, s99, e50, e99 }'
}

echo "| tunnels | in flight | slots/s | echo/s | ratio | slot p50 / p99 µs | echo p50 / p99 µs |"
echo "|---|---|---|---|---|---|---|"
empty_bytes=
notes=()
# Who asks has a name however many tunnels there are, so that the rows differ in nothing else.
devices=$(printf '%s\n' $tunnels 100000 | sort -n | tail -1)
for held in $tunnels; do
    start_fleet "$held"
    start_master
    bytes=$(pss_bytes "$master_pid")
    empty_bytes=${empty_bytes:-$bytes}
    for k in $in_flight; do
        row "$held" "$k"
    done
    if [ "$held" -gt 0 ]; then
        idle=$(bus_bytes)
        sleep 6 # three load events of each slave
        idle=$(($(bus_bytes) - idle))
        change=$(bus_bytes)
        cpu=$(cpu_us "$master_pid")
        echo "fold $events" >&"${FLEET[1]}"
        read -r folded <&"${FLEET[0]}"
        cpu=$(($(cpu_us "$master_pid") - cpu))
        change=$(($(bus_bytes) - change))
        notes+=("$(awk -v held="$held" -v ready="$ready_s" -v grown=$((bytes - empty_bytes)) \
            -v all="$bytes" -v rate="$(json per_second <<<"$folded")" -v cpu="$cpu" \
            -v n="$events" -v idle="$idle" -v slaves="$slaves" -v change="$change" 'BEGIN {
                printf "| %d | %s | %.0f | %.0f | %d | %.1f | %.0f | %.0f |", held, ready,
                    grown / held, all / held, rate, cpu / n, idle / slaves / 6, change / n }')")
        [ "$(json unanswered <<<"$folded")" = 0 ] || echo "events not taken: $folded" >&2
    fi
    stop_master
    stop_fleet
done
printf '\n| tunnels | ready after s | B per tunnel, grown | B per tunnel, whole process | events/s | µs of the master for each | B per idle slave and s | B per change |\n'
echo "|---|---|---|---|---|---|---|---|"
printf '%s\n' "${notes[@]}"

if [ "$samples" -gt 0 ]; then
    start_fleet 10000
    start_master
    start_gateway
    echo "churn 1000" >&"${FLEET[1]}"
    sleep 1
    echo "probe $samples" >&"${FLEET[1]}"
    read -r seen <&"${FLEET[0]}" || die "no probe: $(tail -3 "$work/fleet.log")"
    printf '\n| 10,000 tunnels, 1,000 events/s | p50 ms | p99 ms |\n|---|---|---|\n'
    awk -v s50="$(json visible_p50_us <<<"$seen")" -v s99="$(json visible_p99_us <<<"$seen")" \
        -v t50="$(json trip_p50_us <<<"$seen")" -v t99="$(json trip_p99_us <<<"$seen")" \
        -v n="$(json samples <<<"$seen")" 'BEGIN {
            printf "| from a connect event until REST shows it, %d samples | %.2f | %.2f |\n", n, s50 / 1e3, s99 / 1e3
            printf "| the REST round trip alone | %.2f | %.2f |\n", t50 / 1e3, t99 / 1e3 }'
    [ "$(json lost <<<"$seen")" = 0 ] || echo "never seen: $seen" >&2
    stop_master
    stop_fleet
fi
