#!/usr/bin/env bash
# A whole fleet is cut at one moment and comes back: how long until every device is up
# again and the master lists it, and what that cost. README.md beside this file says how
# it is measured. Leaves nothing behind.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/return.sh [options]
  --count N        devices; default 9500, which fit in 20,000 open files
  --cut HOW        network: every connection is reset at once, and the slave stays (default)
                   restart: the slave is killed and started again
  --reconnect MS   each device comes back within so long, at random; default 1000
  --target S       the seconds that it may take; default 10
Prints Markdown. Exit code 0 only if all were back within the target. MAS4H_BUILD_DIR=FOLDER
takes the programs from FOLDER/bin and builds nothing; other MAS4H_* variables are handed
on to the services.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=bench/measure.sh
. "$root/bench/measure.sh"
count=9500
cut=network
reconnect=1000
target=10

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --count | --cut | --reconnect | --target)
            [ $# -ge 2 ] || die "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done
for number in "$count" "$reconnect" "$target"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || die "$number: expected a whole number from 1"
done
[[ $cut =~ ^(network|restart)$ ]] || die "--cut $cut: expected network or restart"

work=$(mktemp -d)
cluster_up=
stop_all() {
    trap - EXIT
    [ -z "${LOAD_PID:-}" ] || kill "$LOAD_PID" 2>/dev/null || true
    [ -z "$cluster_up" ] || bash "$root/deploy/local.sh" down --dir "$work/cluster" >&2 || true
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

now_ms() { date +%s%3N; }

cluster() { json "$@" <"$work/cluster/cluster.json"; }

# metric URL NAME: its value, 0 where it is not there
metric() {
    curl -s --max-time 10 "$1" | awk -v name="$2" '$1 == name { value = $2 } END { printf "%.0f", value }'
}

slave_metric() { metric "$(cluster slaves 0 metrics_url)" "$1"; }
master_metric() { metric "$(cluster masters 0 metrics_url)" "$1"; }

listed() {
    curl -s --max-time 10 "$(cluster gateways 0 url)/v1/cluster" | json tunnels 2>/dev/null || echo 0
}
all_are_listed() { [ "$(listed)" = "$count" ]; }

refusals() {
    curl -s --max-time 10 "$(cluster slaves 0 metrics_url)" |
        sed -n 's/^mas4h_slave_refusals_total{reason="\([a-z_]*\)"} /\1 /p' | awk '$2 > 0 { printf "%s%s %d", sep, $1, $2; sep = ", " }'
}

service_cpu_ms() {
    local pid
    for pid in "$(cluster masters 0 pid)" "$(cluster nats pid)"; do
        echo $(($(cpu_us "$pid") / 1000))
    done
}

# Gone, or nobody has waited for it yet.
has_ended() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; }

cut_all() {
    local command pid
    if [ "$cut" = network ]; then
        kill -USR1 "$LOAD_PID"
        return
    fi
    command=$(cluster slaves 0 command)
    pid=$(cluster slaves 0 pid)
    kill -9 "$pid"
    wait_until 10 "the slave does not end" has_ended "$pid"
    setsid "$command" </dev/null >/dev/null 2>&1 &
}

if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release && cmake --build --preset release) >&2
fi
tunnel_load=${MAS4H_BUILD_DIR:-$root/build/release}/bin/tunnel-load
"$tunnel_load" keys --count "$count" --dir "$work/keys"
cluster_up=yes
bash "$root/deploy/local.sh" up --detach --no-device --dir "$work/cluster" --slaves 1 \
    --authorized-keys "$work/keys/authorized_keys" >&2
coproc LOAD { exec "$tunnel_load" run --host "$(cluster slaves 0 host)" \
    --port "$(cluster slaves 0 port)" --count "$count" --keys "$work/keys" \
    --reconnect "$reconnect" --hold-until-stdin-eof 2>"$work/reasons"; }
while read -r line <&"${LOAD[0]}"; do
    case $line in
        up=*) echo "$line" >&2 && up=$line ;;
        "set-up latency"*) break ;;
    esac
done
[[ $up == "up=$count failed=0 "* ]] || die "not every tunnel came up: $up"
wait_until 30 "the master lists $(listed) of $count" all_are_listed
mapfile -t before < <(service_cpu_ms)
snapshots=$(master_metric 'mas4h_master_snapshots_total{result="asked"}')
gaps=$(master_metric mas4h_master_gaps_total)
lost_before=$(slave_metric mas4h_slave_events_lost_total)
[ "$cut" = network ] || lost_before=0

begun=$(now_ms)
cut_all
back=
while read -r -t 120 line <&"${LOAD[0]}"; do
    case $line in
        back=*) back=$line && break ;;
    esac
done
[ -n "$back" ] || die "they are not back after 120 s; the master lists $(listed)"
back_ms=$(($(now_ms) - begun))
wait_until 60 "the master lists $(listed) of $count" all_are_listed
listed_ms=$(($(now_ms) - begun))
sleep 3 # a load event more, by which a master finds what it lacks
mapfile -t after < <(service_cpu_ms)
[ "$(listed)" = "$count" ] || die "the master lists $(listed) of $count"

seconds() { awk -v ms="$1" 'BEGIN { printf "%.1f", ms / 1000 }'; }

echo
echo "$count devices, all cut at once ($cut), each back within $reconnect ms at random; $(nproc) x" \
    "$(sed -n '/^model name/ { s/.*: //p; q }' /proc/cpuinfo), load generator on the same cores."
echo
echo "| | |"
echo "|---|--:|"
echo "| all back | $(seconds "$back_ms") s (target $target s) |"
echo "| all listed by the master | $(seconds "$listed_ms") s |"
echo "| failed attempts | ${back##*failed=} |"
echo "| events lost by the slave | $(($(slave_metric mas4h_slave_events_lost_total) - lost_before)) |"
echo "| gaps that the master saw | $(($(master_metric mas4h_master_gaps_total) - gaps)) |"
echo "| snapshots that it asked for | $(($(master_metric 'mas4h_master_snapshots_total{result="asked"}') - snapshots)) |"
echo "| CPU of the master, of nats-server | $((after[0] - before[0])) ms, $((after[1] - before[1])) ms |"
echo "| times that a worker let devices wait in the queue | $(slave_metric mas4h_slave_accept_pauses_total) |"
echo
sed 's/^/    /' "$work/reasons"
refused=$(refusals)
[ -z "$refused" ] || echo "The slave refused: $refused."
[ "$back_ms" -le $((target * 1000)) ] || die "not within $target s"
