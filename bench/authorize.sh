#!/usr/bin/env bash
# How long a master takes to say whose key it is, by each kind of validator and out of what it keeps, beside a bare NATS
# echo; and what 1,000 new devices a second through a slow webhook do to everybody else. README.md beside this file says
# how each is measured. Leaves nothing behind.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/authorize.sh [options]
  --keys N          lines of authorized_keys, and records; default 100000
  --seconds S       of each measurement; default 3
  --rate R          new devices a second through the webhook; default 1000
  --rate-seconds S  for so long; default 10
  --backend-ms T    what the slow webhook takes; default 50
Prints Markdown. MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds nothing.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=bench/measure.sh
. "$root/bench/measure.sh"
keys=100000
seconds=3
rate=1000
rate_seconds=10
backend_ms=50

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --keys | --seconds | --rate | --rate-seconds | --backend-ms)
            [ $# -ge 2 ] || die "$1 needs a value"
            name=${1#--}
            printf -v "${name//-/_}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done
command -v node >/dev/null || die "node is missing: apt-get install nodejs"

build=${MAS4H_BUILD_DIR:-$root/build/release}
if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release >&2 && cmake --build --preset release >&2)
fi
load=$build/bin/cluster-load
work=$(mktemp -d)
master_pid=
pids=()

stop_all() {
    trap - EXIT
    local pid
    for pid in "$master_pid" "${pids[@]}"; do
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
url=nats://127.0.0.1:$port
printf 'listen: 127.0.0.1:%s\nmax_payload: 262144\n' "$port" >"$work/nats.conf"
nats-server -c "$work/nats.conf" >"$work/nats.log" 2>&1 &
pids+=($!)
wait_until 10 "nats-server does not answer" accepts "$port"

# start NAME COMMAND... : its first line is in $work/NAME.out when this returns. Its input stays open.
start() {
    local name=$1
    shift
    mkfifo "$work/$name.in"
    "$@" <"$work/$name.in" >"$work/$name.out" 2>"$work/$name.err" &
    pids+=($!)
    exec {held}>"$work/$name.in"
    wait_until 10 "$name does not start: $(cat "$work/$name.err")" test -s "$work/$name.out"
}

start echo "$load" echo --url "$url"
start service "$load" validate --url "$url"
start quick node "$root/bench/peers/webhook.mjs" 0
start slow node "$root/bench/peers/webhook.mjs" "$backend_ms"

"$load" keys --keys "$keys" >"$work/authorized_keys"
ssh-keygen -q -t ed25519 -N '' -f "$work/ca"
echo "cert-authority $(cat "$work/ca.pub")" >"$work/ca_keys"
for i in 1 2 3 4 5 6 7 8; do
    ssh-keygen -q -t ed25519 -N '' -f "$work/device-$i"
    ssh-keygen -q -s "$work/ca" -I "device-$i" -n "device-$i" "$work/device-$i.pub"
done
cat "$work"/device-*-cert.pub >"$work/certificates"
printf '#!/bin/sh\necho '\''{"result":"allow","client_key":"device"}'\''\n' >"$work/command"
chmod 755 "$work" "$work/command"

is_ready() {
    curl -fso "$work/ready" "http://127.0.0.1:$http/readyz"
}

# start_master VALIDATORS SETTING... : no slave is there, so it is ready when it has listened for a moment
start_master() {
    local setting settings=(authorize.validators="$1" authorize.authorized_keys="$work/authorized_keys"
        registry.path="$work/records.db" certificates.ca_keys="$work/ca_keys" command.program="$work/command"
        service.subject=mas4h.v1.validate service.format=protobuf log.level=error)
    shift
    local arguments=()
    for setting in "${settings[@]}" "$@"; do
        arguments+=(--set "$setting")
    done
    "$build/bin/mas4h-master" --set nats.url="$url" --set http.listen="127.0.0.1:$http" "${arguments[@]}" \
        >"$work/master.log" 2>&1 &
    master_pid=$!
    wait_until 60 "the master is not ready: $(tail -3 "$work/master.log")" is_ready
}

stop_master() {
    kill "$master_pid"
    wait "$master_pid" || true
    master_pid=
}

ask() {
    "$load" authorize --url "$url" --seconds "$seconds" "$@"
}

# Until it knows the last key: the file is read while it works already.
await_keys() {
    wait_until 30 "the last key is not known" knows_last_key
}
knows_last_key() {
    [ "$("$load" authorize --url "$url" --first $((keys - 1)) --in-flight 1 --seconds 0 | json problems)" = 0 ]
}

# row NAME ARGUMENT... : what is asked of the master
row() {
    local name=$1 one many echo cpu
    shift
    echo=$(ask --in-flight 1 --subject bench.echo "$@")
    one=$(ask --in-flight 1 "$@")
    cpu=$(cpu_us "$master_pid")
    many=$(ask --in-flight 64 "$@")
    cpu=$(($(cpu_us "$master_pid") - cpu))
    [ "$(json problems <<<"$one")$(json problems <<<"$many")" = 00 ] || echo "not let in: $one $many" >&2
    awk -v name="$name" -v p50="$(json p50_us <<<"$one")" -v p99="$(json p99_us <<<"$one")" \
        -v e50="$(json p50_us <<<"$echo")" -v e99="$(json p99_us <<<"$echo")" \
        -v rate="$(json per_second <<<"$many")" -v m50="$(json p50_us <<<"$many")" -v m99="$(json p99_us <<<"$many")" \
        -v cpu="$cpu" -v n="$(json answers <<<"$many")" 'BEGIN {
            printf "| %s | %.2f / %.2f | %.2f / %.2f | %d | %.2f / %.2f | %.0f |\n", name, p50 / 1e3, p99 / 1e3,
                e50 / 1e3, e99 / 1e3, rate, m50 / 1e3, m99 / 1e3, cpu / n }'
}

# ---- the measurements ----

quick=http://127.0.0.1:$(cat "$work/quick.out")/
slow=http://127.0.0.1:$(cat "$work/slow.out")/
unkept=authorize.cache_entries=0

echo "| validator | 1 in flight: p50 / p99 ms | echo beside: p50 / p99 ms | 64 in flight: answers/s | p50 / p99 ms | µs of the master for each |"
echo "|---|---|---|---|---|---|"
start_master authorized_keys
await_keys
row "authorized_keys, $keys lines" --keys "$keys"
stop_master
start_master database
"$load" record --url "$url" --keys "$keys" --in-flight 256 >"$work/recorded"
row "database, $keys records" --keys "$keys"
stop_master
start_master certificates "$unkept"
row "certificates" --file "$work/certificates"
stop_master
start_master service "$unkept"
row "service on NATS" --keys "$keys"
stop_master
start_master webhook "$unkept" webhook.url="$quick"
row "webhook, backend 0 ms" --keys "$keys"
stop_master
start_master webhook "$unkept" webhook.url="$slow"
row "webhook, backend $backend_ms ms" --keys "$keys"
stop_master
start_master webhook webhook.url="$slow"
ask --in-flight 64 --keys 1000 >"$work/kept"
row "webhook, backend $backend_ms ms, kept" --keys 1000
stop_master
start_master command "$unkept" command.processes_max=64
row "command, a shell script" --keys "$keys"
stop_master
awk -v n="$keys" -v rate="$(json per_second <"$work/recorded")" 'BEGIN {
    printf "\nRecords made at %.0f a second, each on the disk before it is acknowledged.\n", rate }'

# ---- many new devices beside others ----

start_master authorized_keys,webhook webhook.url="$slow"
await_keys
alone=$("$load" authorize --url "$url" --keys "$keys" --rate 200 --seconds 5)
"$load" authorize --url "$url" --first 10000000 --keys 1000000000 --rate "$rate" --seconds "$rate_seconds" >"$work/new" &
new_pid=$!
pids+=("$new_pid")
sleep 1
beside=$("$load" authorize --url "$url" --keys "$keys" --rate 200 --seconds $((rate_seconds - 3)))
wait "$new_pid" || echo "not all were answered" >&2
stop_master
printf '\n| %s new devices/s through a webhook of %s ms for %s s | answers | not let in | p50 / p99 ms |\n|---|---|---|---|\n' \
    "$rate" "$backend_ms" "$rate_seconds"
awk -v name="the new ones" -v n="$(json answers <"$work/new")" -v bad="$(json problems <"$work/new")" \
    -v p50="$(json p50_us <"$work/new")" -v p99="$(json p99_us <"$work/new")" 'BEGIN {
        printf "| %s | %d | %d | %.2f / %.2f |\n", name, n, bad, p50 / 1e3, p99 / 1e3 }'
for name in "200/s of authorized_keys, alone" "200/s of authorized_keys, beside them"; do
    result=$alone
    [[ $name != *beside* ]] || result=$beside
    awk -v name="$name" -v n="$(json answers <<<"$result")" -v bad="$(json problems <<<"$result")" \
        -v p50="$(json p50_us <<<"$result")" -v p99="$(json p99_us <<<"$result")" 'BEGIN {
            printf "| %s | %d | %d | %.2f / %.2f |\n", name, n, bad, p50 / 1e3, p99 / 1e3 }'
done
