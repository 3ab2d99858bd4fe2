#!/usr/bin/env bash
# What a gateway can do, each beside a peer in the same run: slots over WebSocket and memory of
# WebSockets beside npm's ws, REST beside nginx serving the same bytes as files. README.md beside
# this file says how each is measured. Leaves nothing behind but the peers' npm packages.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/gateway.sh [options]
  --only "PART ..."        of: memory fleet slots rest; default all
  --sockets N              WebSockets of memory and fleet; default 9500
  --slots "N:K ..."        connections, and requests in flight on each; default "1:1 1:64 1000:1"
  --connections N          of a REST client; default 16
  --tunnels N              default 1000, of 100 slaves
  --seconds S              of each measurement; default 2
  --rounds N               default 3; the median is printed
Prints Markdown. MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds nothing.
Where npm, nginx or wrk is missing, what needs it is left out.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=bench/measure.sh
. "$root/bench/measure.sh"
only="memory fleet slots rest"
sockets=9500
slots="1:1 1:64 1000:1"
connections=16
tunnels=1000
seconds=2
rounds=3

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --only | --sockets | --slots | --connections | --tunnels | --seconds | --rounds)
            [ $# -ge 2 ] || die "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done

build=${MAS4H_BUILD_DIR:-$root/build/release}
if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release >&2 && cmake --build --preset release >&2)
fi
work=$(mktemp -d)
nats_pid=
master_pid=
gateway_pid=
ws_pid=
nginx_pid=
held_pid=
mkfifo "$work/held.in"

stop_all() {
    trap - EXIT
    local pid
    for pid in "$held_pid" "$nginx_pid" "$ws_pid" "$gateway_pid" "$master_pid" "${FLEET_PID:-}" "$nats_pid"; do
        [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# ---- what is started ----

does() {
    [[ " $only " == *" $1 "* ]]
}

url=nats://127.0.0.1:$(free_port)
nats-server -a 127.0.0.1 -p "${url##*:}" >"$work/nats.log" 2>&1 &
nats_pid=$!
wait_until 10 "nats-server does not answer" accepts "${url##*:}"
coproc FLEET { exec "$build/bin/cluster-load" slaves --url "$url" --slaves 100 --tunnels "$tunnels" 2>"$work/fleet.log"; }
read -r _ <&"${FLEET[0]}" || die "the slaves could not start"
master_at=127.0.0.1:$(free_port)
"$build/bin/mas4h-master" --set nats.url="$url" --set http.listen="$master_at" \
    --set dispatch.slots_per_second=0 >"$work/master.log" 2>&1 &
master_pid=$!
wait_until 10 "the master is not ready" curl -fso "$work/ready" "http://$master_at/readyz"

gateway_at=127.0.0.1:$(free_port)
"$build/bin/mas4h-gateway" --set nats.url="$url" --set http.listen="$gateway_at" --set http.source_connections_max=0 \
    >"$work/gateway.log" 2>&1 &
gateway_pid=$!
holds_all() {
    curl -fso "$work/cluster" "http://$gateway_at/v1/cluster" &&
        [ "$(json tunnels <"$work/cluster")" = "$tunnels" ]
}
wait_until 10 "the gateway does not show $tunnels tunnels" holds_all

ws_at=
start_ws() {
    local folder=$build/bench-peers
    command -v npm >/dev/null || { echo "no npm: without ws" >&2 && return; }
    mkdir -p "$folder"
    cp "$root/bench/peers/package.json" "$root/bench/peers/slots.mjs" "$folder"
    (cd "$folder" && npm install --no-audit --no-fund --no-package-lock --ignore-scripts) >"$work/npm.log" 2>&1 ||
        { echo "npm could not install ws: $(tail -1 "$work/npm.log")" >&2 && return; }
    node "$folder/slots.mjs" "$url" "$root/proto" >"$work/ws.port" 2>"$work/ws.log" &
    ws_pid=$!
    wait_until 10 "ws does not start: $(cat "$work/ws.log")" test -s "$work/ws.port"
    ws_at=127.0.0.1:$(cat "$work/ws.port")
}

nginx_at=
start_nginx() {
    local nginx
    nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || { echo "no nginx" >&2 && return; }
    mkdir "$work/files"
    curl -fso "$work/files/cluster" "http://$gateway_at/v1/cluster"
    curl -fso "$work/files/tunnels" "http://$gateway_at/v1/tunnels?page_size=100"
    nginx_at=127.0.0.1:$(free_port)
    cat >"$work/nginx.conf" <<END
worker_processes 1;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.err;
events { worker_connections 1024; }
http {
    access_log $work/nginx.access;
    default_type application/json;
    keepalive_requests 100000000;
    sendfile on;
    server { listen $nginx_at; root $work/files; }
}
END
    [ "$(id -u)" != 0 ] || echo "user root;" >>"$work/nginx.conf"
    "$nginx" -p "$work" -e "$work/nginx.err" -c "$work/nginx.conf" &
    nginx_pid=$!
    wait_until 10 "nginx does not answer: $(cat "$work/nginx.err" 2>/dev/null)" accepts "${nginx_at##*:}"
}

if does memory || does fleet || does slots; then
    start_ws
fi

# ---- the measurements ----

# median KEY: of the JSON lines on stdin
median() {
    python3 -c '
import json, statistics, sys
print(statistics.median(json.loads(line)[sys.argv[1]] for line in sys.stdin))' "$1"
}

pss_bytes() {
    awk '/^Pss:/ { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

# begin_fleet ADDRESS SLOTS: sets `report`; the connections last until end_fleet
begin_fleet() {
    : >"$work/held.report"
    "$build/bin/gateway-load" fleet --address "$1" --connections "$sockets" --slots "$2" \
        <"$work/held.in" >"$work/held.report" 2>"$work/held.log" &
    held_pid=$!
    exec {held_in}>"$work/held.in"
    wait_until 90 "no fleet: $(cat "$work/held.log")" test -s "$work/held.report"
    report=$(cat "$work/held.report")
    [ "$(json failed <<<"$report")" = 0 ] && [ "$(json problems <<<"$report")" = 0 ] ||
        echo "not all of the fleet came up: $report $(cat "$work/held.log")" >&2
}

end_fleet() {
    exec {held_in}>&-
    wait "$held_pid" || true
    held_pid=
}

# memory_row NAME ADDRESS PID: of a fresh server
memory_row() {
    local before held
    before=$(pss_bytes "$3")
    begin_fleet "$2" 0
    sleep 1
    held=$(($(pss_bytes "$3") - before))
    end_fleet
    awk -v name="$1" -v n="$sockets" -v held="$held" -v before="$before" \
        'BEGIN { printf "| %s | %d | %.1f | %.1f |\n", name, n, held / n / 1024, before / 1048576 }'
}

# fleet_row NAME ADDRESS PID
fleet_row() {
    local cpu
    cpu=$(cpu_us "$3")
    begin_fleet "$2" 1
    cpu=$(($(cpu_us "$3") - cpu))
    end_fleet
    awk -v name="$1" -v n="$sockets" -v s="$(json seconds <<<"$report")" -v cpu="$cpu" \
        -v p50="$(json p50_us <<<"$report")" -v p99="$(json p99_us <<<"$report")" 'BEGIN {
            printf "| %s | %d | %.2f | %.0f / %.0f | %.0f |\n", name, n, s, p50 / 1e3, p99 / 1e3, cpu / n }'
}

# ask ADDRESS PID CONNECTIONS IN_FLIGHT: one line of JSON, with the server's CPU for each
ask() {
    local cpu line
    cpu=$(cpu_us "$2")
    line=$("$build/bin/gateway-load" ask --address "$1" --connections "$3" --in-flight "$4" \
        --seconds "$seconds") || echo "requests without a slot: $line" >&2
    cpu=$(($(cpu_us "$2") - cpu))
    # A fifth of a second to warm up is in the CPU, and not in the answers.
    python3 -c '
import json, sys
line = json.loads(sys.argv[1])
line["cpu_us"] = float(sys.argv[2]) / (line["per_second"] * (line["seconds"] + 0.2))
print(json.dumps(line))' "$line" "$cpu"
}

slots_row() {
    local n=${1%:*} k=${1#*:} round
    for ((round = 0; round < rounds; round++)); do
        [ -z "$ws_at" ] || ask "$ws_at" "$ws_pid" "$n" "$k" >>"$work/ws.$n.$k"
        ask "$gateway_at" "$gateway_pid" "$n" "$k" >>"$work/gateway.$n.$k"
    done
    slots_line "$n" "$k" gateway "$work/gateway.$n.$k"
    [ -z "$ws_at" ] || slots_line "$n" "$k" ws "$work/ws.$n.$k"
}

slots_line() {
    awk -v n="$1" -v k="$2" -v name="$3" -v rate="$(median per_second <"$4")" \
        -v p50="$(median p50_us <"$4")" -v p99="$(median p99_us <"$4")" -v cpu="$(median cpu_us <"$4")" \
        'BEGIN { printf "| %d | %d | %s | %d | %d / %d | %.0f |\n", n, k, name, rate, p50, p99, cpu }'
}

# fetch URL PID...: one line of JSON
fetch() {
    local cpu page=$1
    shift
    cpu=$(cpu_us "$@")
    wrk -t1 -c"$connections" -d"${seconds}s" "$page" >"$work/wrk"
    cpu=$(($(cpu_us "$@") - cpu))
    ! grep -E 'Non-2xx|Socket errors' "$work/wrk" >&2 || echo "of $page" >&2
    awk -v cpu="$cpu" '/requests in/ { n = $1 } /^Requests\/sec/ { rate = $2 }
        END { printf "{\"per_second\": %f, \"cpu_us\": %f}\n", rate, cpu / n }' "$work/wrk"
}

rest_row() {
    local name=$1 path=$2 round
    for ((round = 0; round < rounds; round++)); do
        # shellcheck disable=SC2046 # several pids
        fetch "http://$nginx_at/$name" $(with_descendants "$nginx_pid") >>"$work/nginx.$name"
        fetch "http://$gateway_at$path" "$gateway_pid" >>"$work/rest.$name"
    done
    awk -v path="$path" -v bytes="$(stat -c %s "$work/files/$name")" \
        -v g="$(median per_second <"$work/rest.$name")" -v n="$(median per_second <"$work/nginx.$name")" \
        -v gcpu="$(median cpu_us <"$work/rest.$name")" -v ncpu="$(median cpu_us <"$work/nginx.$name")" 'BEGIN {
            printf "| `GET %s` | %d | %d | %d | %.2f | %.0f | %.0f |\n", path, bytes, g, n, g / n, gcpu, ncpu }'
}

if does memory; then
    printf '| | idle WebSockets | KiB each | MiB before |\n|---|---|---|---|\n'
    memory_row gateway "$gateway_at" "$gateway_pid"
    [ -z "$ws_at" ] || memory_row ws "$ws_at" "$ws_pid"
    echo
fi
if does fleet; then
    printf '| | devices | s until all have a slot | ms of one, p50 / p99 | its CPU for each, µs |\n|---|---|---|---|---|\n'
    fleet_row gateway "$gateway_at" "$gateway_pid"
    [ -z "$ws_at" ] || fleet_row ws "$ws_at" "$ws_pid"
    echo
fi
if does slots; then
    printf '| WebSockets | in flight on each | | slots/s | p50 / p99 µs | its CPU for each, µs |\n|---|---|---|---|---|---|\n'
    for pair in $slots; do
        slots_row "$pair"
    done
    echo
fi
if does rest && command -v wrk >/dev/null; then
    start_nginx
    if [ -n "$nginx_at" ]; then
        printf '| | bytes | gateway/s | nginx/s | ratio | CPU µs, gateway | CPU µs, nginx |\n|---|---|---|---|---|---|---|\n'
        rest_row cluster /v1/cluster
        rest_row tunnels "/v1/tunnels?page_size=100"
    fi
fi
