#!/usr/bin/env bash
# What a tunnel costs its server, mas4h-slave and OpenSSH's sshd one after the other
# on this machine: CPU to set one up, memory and CPU to keep one idle, tunnels set up
# per second. README.md beside this file says how each is measured. Leaves nothing behind.
set -euo pipefail

usage() {
    cat <<'END'
Usage: bash bench/tunnels.sh [options]
  --count N            tunnels to mas4h-slave; default 1000 (9500 fit in 20,000 open files)
  --sshd-count N       tunnels to sshd, which needs two processes for each; default 200
  --in-flight K        set-ups at a time; default 64
  --idle-seconds S     time over which the CPU of idle tunnels is measured; default 60
  --only mas4h|sshd    measure one of them
  --streams            also the CPU of a set-up without a stream of events: what acknowledging costs
Prints Markdown. MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds
nothing; other MAS4H_* variables are handed on to the services.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=bench/measure.sh
. "$root/bench/measure.sh"
count=1000
sshd_count=200
in_flight=64
idle_seconds=60
only=
streams=

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage && exit 0 ;;
        --streams)
            streams=yes
            shift
            ;;
        --count | --sshd-count | --in-flight | --idle-seconds | --only)
            [ $# -ge 2 ] || die "$1 needs a value"
            name=${1#--}
            printf -v "${name//-/_}" %s "$2"
            shift 2
            ;;
        *) usage >&2 && exit 2 ;;
    esac
done
for number in "$count" "$sshd_count" "$in_flight" "$idle_seconds"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || die "$number: expected a whole number from 1"
done
[[ $only =~ ^(mas4h|sshd)?$ ]] || die "--only $only: expected mas4h or sshd"
command -v python3 >/dev/null || die "python3 is missing: apt-get install python3"

# ---- what is started, and how it ends ----

work=$(mktemp -d)
chmod 711 "$work" # sshd reads authorized_keys as the user who logs in
sshd_pid=
cluster_up=
made_run_sshd=

stop_all() {
    trap - EXIT
    [ -z "${LOAD_PID:-}" ] || kill "$LOAD_PID" 2>/dev/null || true
    [ -z "$sshd_pid" ] || kill "$sshd_pid" 2>/dev/null || true
    [ -z "$made_run_sshd" ] || rmdir /run/sshd 2>/dev/null || true
    [ -z "$cluster_up" ] || bash "$root/deploy/local.sh" down --dir "$work/cluster" >&2 || true
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# ---- reading /proc ----

has_no_children() {
    [[ $(children "$1") =~ ^\ *$ ]]
}

# CPU time in ms of a process and of all descendants that it has waited for
# (utime, stime, cutime, cstime).
cpu_ms() {
    awk -v hz="$(getconf CLK_TCK)" \
        '{ sub(/.*\) /, ""); print int(($12 + $13 + $14 + $15) * 1000 / hz) }' "/proc/$1/stat"
}

# Measures how much of a core these processes use now. Prints % for 9,500 tunnels, given
# that they hold COUNT: idle_percent COUNT PID...
idle_percent() {
    local held=$1 before
    shift
    before=$(cpu_us "$@")
    sleep "$idle_seconds"
    awk -v us=$(($(cpu_us "$@") - before)) -v s="$idle_seconds" -v held="$held" \
        'BEGIN { printf "%.1f", us / 1e6 / s * 100 * 9500 / held }'
}

# Memory in KB of these processes, a shared page counted once.
pss_kb() {
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/smaps_rollup"
    done | awk '/^Pss:/ { kb += $2 } END { print kb }'
}

# ---- one server under load ----

# Start the load, wait until all tunnels are up, leave them up. Sets `result`, the
# report of tunnel-load.
open_tunnels() {
    local summary
    coproc LOAD { exec "$tunnel_load" run "$@" --keys "$work/keys" --in-flight "$in_flight" \
        --json --hold-until-stdin-eof; }
    read -r summary <&"${LOAD[0]}" || die "tunnel-load could not run"
    read -r result <&"${LOAD[0]}"
    [ "$(json failed <<<"$result")" = 0 ] || die "not every tunnel came up: $result"
    echo "$summary" >&2
}

close_tunnels() {
    local load_pid=$LOAD_PID load_in=${LOAD[1]}
    exec {load_in}>&-
    wait "$load_pid" || die "tunnels were lost while they were idle"
    LOAD_PID=
}

per() {
    awk -v total="$1" -v n="$2" -v digits="$3" 'BEGIN { printf "%.*f", digits, total / n }'
}

latency() {
    echo "$(json setup_ms p50 <<<"$result") / $(json setup_ms p99 <<<"$result")"
}

declare -A mas4h sshd

measure_mas4h() {
    local cluster=$work/cluster/cluster.json pid before_kb name
    local -A before_ms pids

    cluster_up=yes
    bash "$root/deploy/local.sh" up --detach --no-device --dir "$work/cluster" --slaves 1 \
        --authorized-keys "$work/keys/authorized_keys" >&2
    pids=([slave]=$(json slaves 0 pid <"$cluster") [master]=$(json masters 0 pid <"$cluster")
        [gateway]=$(json gateways 0 pid <"$cluster") [nats]=$(json nats pid <"$cluster"))
    pid=${pids[slave]}

    for name in "${!pids[@]}"; do
        before_ms[$name]=$(cpu_ms "${pids[$name]}")
    done
    before_kb=$(pss_kb "$pid")
    open_tunnels --host "$(json slaves 0 host <"$cluster")" \
        --port "$(json slaves 0 port <"$cluster")" --count "$count"
    sleep 2 # the last events leave, and are counted
    for name in "${!pids[@]}"; do
        mas4h[${name}_ms]=$(per $(($(cpu_ms "${pids[$name]}") - before_ms[$name])) "$count" 2)
    done
    mas4h[kb]=$(per $(($(pss_kb "$pid") - before_kb)) "$count" 1)
    mas4h[rate]=$(per "$(json tunnels_per_second <<<"$result")" 1 0)
    mas4h[latency]=$(latency)
    mas4h[idle]=$(idle_percent "$count" "$pid")

    close_tunnels
    sleep 2
    mas4h[life_ms]=$(per $(($(cpu_ms "$pid") - before_ms[slave])) "$count" 2)
    bash "$root/deploy/local.sh" down --dir "$work/cluster" >&2
    cluster_up=
}

# How many tunnels a second come up with so many workers.
measure_workers() {
    local cluster=$work/cluster/cluster.json workers=$1 tunnels=$((count < 2000 ? count : 2000))

    cluster_up=yes
    MAS4H_SLAVE_SLAVE_WORKERS=$workers bash "$root/deploy/local.sh" up --detach --no-device \
        --dir "$work/cluster" --slaves 1 --authorized-keys "$work/keys/authorized_keys" >&2
    open_tunnels --host "$(json slaves 0 host <"$cluster")" \
        --port "$(json slaves 0 port <"$cluster")" --count "$tunnels"
    mas4h[rate$workers]=$(per "$(json tunnels_per_second <<<"$result")" 1 0)
    close_tunnels
    bash "$root/deploy/local.sh" down --dir "$work/cluster" >&2
    cluster_up=
}

# What a set-up costs where nobody keeps events and nobody acknowledges them.
measure_without_stream() {
    local cluster=$work/cluster/cluster.json name
    local -A before_ms pids

    cluster_up=yes
    MAS4H_SLAVE_EVENTS_ACKNOWLEDGE=never MAS4H_MASTER_EVENTS_STREAM='' bash "$root/deploy/local.sh" up \
        --detach --no-device --dir "$work/cluster" --slaves 1 \
        --authorized-keys "$work/keys/authorized_keys" >&2
    pids=([slave]=$(json slaves 0 pid <"$cluster") [nats]=$(json nats pid <"$cluster"))
    for name in "${!pids[@]}"; do
        before_ms[$name]=$(cpu_ms "${pids[$name]}")
    done
    open_tunnels --host "$(json slaves 0 host <"$cluster")" \
        --port "$(json slaves 0 port <"$cluster")" --count "$count"
    sleep 2
    for name in "${!pids[@]}"; do
        mas4h[bare_${name}_ms]=$(per $(($(cpu_ms "${pids[$name]}") - before_ms[$name])) "$count" 2)
    done
    close_tunnels
    bash "$root/deploy/local.sh" down --dir "$work/cluster" >&2
    cluster_up=
}

# The CPU of sshd is spread over a listener, two processes for each tunnel and one
# that ends after the login. The times of a process that ended are added, exactly,
# to those of the parent that waited for it, while each time read from a running
# one is cut to 10 ms, as long as all that such a process ever does. So the sum is
# taken at the listener, once all tunnels have hung up and all children have ended.
measure_sshd() {
    local port user=nobody before_ms before_kb tunnels

    [ "$(id -u)" = 0 ] || user=$(id -un)
    port=$(free_port)
    head -n "$sshd_count" "$work/keys/authorized_keys" >"$work/sshd_keys"
    start_sshd "$port" "$work/sshd_keys"
    wait_until 10 "sshd keeps a child" has_no_children "$sshd_pid"

    before_ms=$(cpu_ms "$sshd_pid")
    before_kb=$(pss_kb "$sshd_pid")
    open_tunnels --port "$port" --user "$user" --count "$sshd_count"
    sleep 2
    mapfile -t tunnels < <(with_descendants "$sshd_pid")
    sshd[processes]=$((${#tunnels[@]} - 1))
    sshd[kb]=$(per $(($(pss_kb "${tunnels[@]}") - before_kb)) "$sshd_count" 1)
    sshd[rate]=$(per "$(json tunnels_per_second <<<"$result")" 1 0)
    sshd[latency]=$(latency)
    sshd[idle]=$(idle_percent "$sshd_count" "${tunnels[@]}")

    close_tunnels
    wait_until 60 "sshd keeps children" has_no_children "$sshd_pid"
    sshd[life_ms]=$(per $(($(cpu_ms "$sshd_pid") - before_ms)) "$sshd_count" 2)
    kill "$sshd_pid"
    wait "$sshd_pid" || true
    sshd_pid=
}

# ---- the table ----

ratio() {
    if [ -n "$1" ] && [ -n "$2" ]; then
        awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.1f", a / b }'
    fi
}

# The same with two digits.
ratio_of() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b }'
}

# row NAME UNIT MAS4H SSHD RATIO
row() {
    echo "| $1 | ${3:+$3$2} | ${4:+$4$2} | ${5:+$5 x} |"
}

print_table() {
    local cpu
    cpu=$(sed -n '/^model name/ { s/.*: //p; q }' /proc/cpuinfo)
    echo
    echo "$(nproc) x $cpu, Linux $(uname -r); load generator on the same cores; $in_flight set-ups at a time."
    echo
    echo "| | mas4h-slave | sshd | |"
    echo "|---|--:|--:|--:|"
    row "tunnels" "" "${mas4h[rate]:+$count}" "${sshd[rate]:+$sshd_count}" ""
    row "server CPU per tunnel set up" " ms" "${mas4h[slave_ms]:-}" "" ""
    row "server CPU per tunnel set up and hung up" " ms" "${mas4h[life_ms]:-}" \
        "${sshd[life_ms]:-}" "$(ratio "${sshd[life_ms]:-}" "${mas4h[life_ms]:-}")"
    row "memory per idle tunnel (PSS)" " KB" "${mas4h[kb]:-}" "${sshd[kb]:-}" \
        "$(ratio "${sshd[kb]:-}" "${mas4h[kb]:-}")"
    row "tunnels set up per second" "" "${mas4h[rate]:-}" "${sshd[rate]:-}" \
        "$(ratio "${mas4h[rate]:-}" "${sshd[rate]:-}")"
    row "the same with 1 / 2 workers" "" "${mas4h[rate1]:+${mas4h[rate1]} / ${mas4h[rate2]}}" "" ""
    row "CPU of 9,500 idle tunnels, keepalive every 15 s, of one core" " %" "${mas4h[idle]:-}" \
        "${sshd[idle]:-}" "$(ratio "${sshd[idle]:-}" "${mas4h[idle]:-}")"
    row "time of one set-up, p50 / p99" " ms" "${mas4h[latency]:-}" "${sshd[latency]:-}" ""
    echo
    if [ -n "${mas4h[rate]:-}" ]; then
        echo "Beside the slave, for each tunnel set up: master ${mas4h[master_ms]} ms," \
            "nats-server ${mas4h[nats_ms]} ms, gateway ${mas4h[gateway_ms]} ms of CPU."
    fi
    if [ -n "${mas4h[bare_slave_ms]:-}" ]; then
        echo "Without a stream of events: slave ${mas4h[bare_slave_ms]} ms, nats-server ${mas4h[bare_nats_ms]} ms;" \
            "a stream that acknowledges each event costs the slave" \
            "$(ratio_of "${mas4h[slave_ms]}" "${mas4h[bare_slave_ms]}") x of that."
    fi
    if [ -n "${sshd[rate]:-}" ]; then
        echo "sshd is $(ssh -V 2>&1 | cut -d, -f1) with ${sshd[processes]} processes for" \
            "$sshd_count tunnels."
    fi
}

if [ -z "${MAS4H_BUILD_DIR:-}" ]; then
    (cd "$root" && cmake --preset release && cmake --build --preset release --target tunnel-load) >&2
fi
tunnel_load=${MAS4H_BUILD_DIR:-$root/build/release}/bin/tunnel-load
"$tunnel_load" keys --count $((count > sshd_count ? count : sshd_count)) --dir "$work/keys"
if [ "$only" != sshd ]; then
    measure_mas4h
    measure_workers 1
    measure_workers 2
    [ -z "$streams" ] || measure_without_stream
fi
[ "$only" = mas4h ] || measure_sshd
print_table
