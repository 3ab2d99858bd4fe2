#!/usr/bin/env bash
# A whole mas4h cluster on this machine: nats-server, masters, slaves, gateways and a demo device,
# all on loopback, as the user who runs this. It installs what is missing, builds what is not built,
# and checks that the demo device answers through its slave. Usage: see usage() below.
#
# All that the cluster writes is in DIR (logs in DIR/log); `down` and Ctrl-C leave there only the
# logs and the keys, so that the next cluster in DIR is known to the same devices.
# MAS4H_BUILD_DIR=FOLDER takes the programs from FOLDER/bin and builds nothing.
# It must not know: how a service works beyond its settings and its ready file.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

usage() {
    cat <<'END'
usage: bash deploy/local.sh [up] [OPTION]...      start a cluster; Ctrl-C stops it
       bash deploy/local.sh down [--dir DIR]      stop the cluster in DIR

  --dir DIR               the cluster's folder (default: build/local of this checkout)
  --masters N             how many masters (default: 1)
  --slaves N              how many slaves (default: 2)
  --gateways N            how many gateways (default: 1)
  --regions A,B           the slaves are spread over these regions (default: local)
  --authorized-keys FILE  the devices' public keys (default: DIR/authorized_keys, made with the demo device's)
  --no-device             no demo device (with MAS4H_GATEWAY_ACCESS_TOKENS_FILE there is none in any case)
  --detach                return when the cluster is up, and leave it running

MAS4H_* variables of the environment are handed on to the services.
END
}

say() { printf '%s\n' "$*" >&2; }

refuse() {
    say "local.sh: $*"
    exit 64
}

command=up dir=$root/build/local masters=1 slaves=2 gateways=1 regions=local
authorized_keys='' device=yes detach=no
nats_port='' demo_port='' demo_hint='' supervisor_pid='' failed=0
declare -A child_of http_port device_port region_of

. "$root/deploy/local/processes.sh"
. "$root/deploy/local/report.sh"

number_of() {
    [[ $2 =~ ^[1-9][0-9]{0,2}$ ]] || refuse "$1: expected a number from 1 to 999, got '$2'"
}

read_options() {
    case ${1:-} in
        up | down)
            command=$1
            shift
            ;;
    esac
    while [ $# -gt 0 ]; do
        case $1 in
            --dir | --masters | --slaves | --gateways | --regions | --authorized-keys)
                [ $# -ge 2 ] || refuse "$1 needs a value"
                ;;
        esac
        case $1 in
            --dir) dir=$2 ;;
            --masters) number_of "$1" "$2" && masters=$2 ;;
            --slaves) number_of "$1" "$2" && slaves=$2 ;;
            --gateways) number_of "$1" "$2" && gateways=$2 ;;
            --regions)
                [[ $2 =~ ^[a-z0-9-]{1,63}(,[a-z0-9-]{1,63})*$ ]] || refuse "--regions: expected names of a-z, 0-9 and -, as in eu,us"
                regions=$2
                ;;
            --authorized-keys)
                [ -r "$2" ] || refuse "--authorized-keys: cannot read '$2'"
                authorized_keys=$(realpath -- "$2")
                ;;
            --no-device) device=no ;;
            --detach) detach=yes ;;
            --help)
                usage
                exit 0
                ;;
            *)
                usage >&2
                refuse "'$1' is not an option"
                ;;
        esac
        case $1 in --no-device | --detach) shift ;; *) shift 2 ;; esac
    done
    case $dir in *[[:cntrl:]]*) refuse "--dir: a folder's name without control characters" ;; esac
}

# --- programs --------------------------------------------------------------------------------

install_and_build() {
    if [ -n "${MAS4H_BUILD_DIR:-}" ]; then
        bash "$root/deploy/install-packages.sh" run
        bin=$(realpath -- "$MAS4H_BUILD_DIR")/bin
    else
        bash "$root/deploy/install-packages.sh" run build
        build_release
        bin=$root/build/release/bin
    fi
    local program
    for program in mas4h-master mas4h-slave mas4h-gateway; do
        [ -x "$bin/$program" ] || refuse "there is no program $bin/$program"
    done
}

# Quiet, unless it fails: then what it said is shown.
build_release() {
    local log=$root/build/release.log
    mkdir -p "$root/build"
    [ -e "$root/build/release/build.ninja" ] || say "building mas4h, which takes a minute or two"
    if ! (cd "$root" && { [ -e build/release/build.ninja ] || cmake --preset release; } &&
        cmake --build --preset release) >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        say "local.sh: the build failed; all that it said is in $log"
        exit 1
    fi
}

# --- services --------------------------------------------------------------------------------

set_ports() {
    local ports i
    mapfile -t ports < <(free_ports $((2 + masters + 2 * slaves + gateways)))
    [ "${#ports[@]}" -eq $((2 + masters + 2 * slaves + gateways)) ] || refuse "there are not enough free ports"
    nats_port=${ports[0]}
    page_port=${ports[1]}
    ports=("${ports[@]:2}")
    for i in $(seq "$masters"); do http_port[master-$i]=${ports[0]} ports=("${ports[@]:1}"); done
    for i in $(seq "$gateways"); do http_port[gateway-$i]=${ports[0]} ports=("${ports[@]:1}"); done
    for i in $(seq "$slaves"); do
        http_port[slave-$i]=${ports[0]} device_port[slave-$i]=${ports[1]} ports=("${ports[@]:2}")
    done
}

# What suits a cluster that is to come and go quickly.
declare -A usual_of=([slave]="MAS4H_SLAVE_DRAIN_SPREAD_MS:=1000 MAS4H_SLAVE_DRAIN_DEADLINE_MS:=5000"
    [master]="MAS4H_MASTER_AUTHORIZE_VALIDATORS:=authorized_keys,database")

# start_service KIND N SETTING...
start_service() {
    local kind=$1 id=$1-$2 setting arguments=()
    shift 2
    for setting in "$kind.id=$id" "nats.url=nats://127.0.0.1:$nats_port" \
        "http.listen=127.0.0.1:${http_port[$id]}" "run.ready_file=$dir/run/$id.ready" "$@"; do
        arguments+=(--set "$setting")
    done
    # shellcheck disable=SC2086 # several, or none
    write_start_script "$id" ${usual_of[$kind]:-} -- "$bin/mas4h-$kind" "${arguments[@]}"
    start "$id"
}

start_slave() {
    local id=slave-$1 names
    IFS=, read -ra names <<<"$regions"
    region_of[$id]=${names[$((($1 - 1) % ${#names[@]}))]}
    start_service slave "$1" "slave.region=${region_of[$id]}" \
        "device.listen=127.0.0.1:${device_port[$id]}" device.host=127.0.0.1 \
        "device.host_key_dir=$dir/keys/$id" tunnel.address=127.0.0.1
}

start_nats() {
    printf '%s\n' 'ping_interval: "5s"' 'ping_max: 2' >"$dir/run/nats.conf"
    write_start_script nats -- "$(PATH=$PATH:/usr/sbin command -v nats-server)" \
        --config "$dir/run/nats.conf" --addr 127.0.0.1 --port "$nats_port" --jetstream --store_dir "$dir/nats"
    start nats
    await nats 20 listens "$nats_port"
}

listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start_services() {
    local i
    mkdir -p "$dir/records"
    for i in $(seq "$masters"); do
        start_service master "$i" "authorize.authorized_keys=$authorized_keys" "registry.path=$dir/records/master-$i.db"
    done
    for i in $(seq "$slaves"); do start_slave "$i"; done
    for i in $(seq "$gateways"); do start_service gateway "$i"; done
    for i in $(seq "$masters"); do await "master-$i" 30 test -e "$dir/run/master-$i.ready"; done
    for i in $(seq "$slaves"); do await "slave-$i" 30 test -e "$dir/run/slave-$i.ready"; done
    for i in $(seq "$gateways"); do await "gateway-$i" 30 test -e "$dir/run/gateway-$i.ready"; done
    for i in $(seq "$gateways"); do await "gateway-$i" 20 knows_all_slaves "gateway-$i"; done
}

get() { curl -q -sf --noproxy '*' --max-time 5 "http://127.0.0.1:$1"; }

knows_all_slaves() {
    if asks_for_token; then
        get "${http_port[$1]}/readyz" >/dev/null && masters_know_all_slaves
    else
        get "${http_port[$1]}/v1/cluster" | grep -qE "\"slaves_ready\": ?${slaves}[,}]"
    fi
}

# Whether the gateways have a tokens file: then what they say is not for us.
asks_for_token() { [ -n "${MAS4H_GATEWAY_ACCESS_TOKENS_FILE:-}" ]; }

masters_know_all_slaves() {
    local i
    for i in $(seq "$masters"); do
        get "${http_port[master-$i]}/metrics" | grep -qxF "mas4h_master_slaves{state=\"ready\"} $slaves" || return 1
    done
}

# --- the demo device -------------------------------------------------------------------------

write_device_settings() {
    mkdir -p "$dir/keys/demo-device"
    cat >"$dir/run/device.conf" <<END
MAS4H_DEVICE_GATEWAYS=http://127.0.0.1:${http_port[gateway-1]}
MAS4H_DEVICE_HOST=127.0.0.1
MAS4H_DEVICE_PORT=$page_port
MAS4H_DEVICE_STATE_DIR=$dir/keys/demo-device
END
}

# Lets the demo device in by our own authorized_keys. A user's file is not ours to change.
authorize_demo_device() {
    local key line
    key=$(unset "${!MAS4H_DEVICE_@}" && sh "$root/deploy/device/mas4h-device" --config "$dir/run/device.conf" --public-key 2>/dev/null) ||
        refuse "cannot make the demo device's key"
    line="$(cut -d ' ' -f 1,2 <<<"$key") demo-device"
    grep -qF -- "${line% demo-device}" "$authorized_keys" && return 0
    if [ "$authorized_keys" = "$dir/authorized_keys" ]; then
        printf '%s\n' "$line" >>"$authorized_keys"
        return 0
    fi
    demo_hint="There is no demo device, because its key is not in $authorized_keys. To have it next time, add this line there:
  $line"
    return 1
}

start_demo_device() {
    mkdir -p "$dir/run/demo"
    echo "<!doctype html><title>mas4h</title><h1>This is the demo device of mas4h</h1><p>You reach it through an SSH tunnel." \
        >"$dir/run/demo/index.html"
    write_start_script demo-page -- "$(command -v python3)" -u -m http.server --bind 127.0.0.1 \
        --directory "$dir/run/demo" "$page_port"
    start demo-page
    await demo-page 20 listens "$page_port"
    write_start_script demo-device -- /bin/sh "$root/deploy/device/mas4h-device" --config "$dir/run/device.conf"
    start demo-device
    await demo-device 60 demo_answers
}

# Whether the page comes back through the port that REST names for the device.
demo_answers() {
    demo_port=$(get "${http_port[gateway-1]}/v1/tunnels/demo-device" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["port"])' 2>/dev/null) &&
        get "$demo_port/" 2>/dev/null | cmp -s - "$dir/run/demo/index.html"
}

# --- up and down -----------------------------------------------------------------------------

up() {
    if asks_for_token; then
        [ -r "$MAS4H_GATEWAY_ACCESS_TOKENS_FILE" ] ||
            refuse "MAS4H_GATEWAY_ACCESS_TOKENS_FILE: cannot read '$MAS4H_GATEWAY_ACCESS_TOKENS_FILE'"
        MAS4H_GATEWAY_ACCESS_TOKENS_FILE=$(realpath -- "$MAS4H_GATEWAY_ACCESS_TOKENS_FILE")
    fi
    install_and_build
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd -P)
    [ -n "$authorized_keys" ] || authorized_keys=$dir/authorized_keys
    exec 9>"$dir/lock"
    if ! flock -n 9 || any_runs; then
        say "local.sh: a cluster runs in $dir already. Stop it: bash deploy/local.sh down --dir $(printf %q "$dir")"
        exit 1
    fi
    trap 'failed=130; exit' INT TERM HUP
    trap on_exit EXIT
    forget_cluster
    rm -rf "$dir/log"
    mkdir -p "$dir/run" "$dir/log" "$dir/keys" "$dir/nats"
    [ -e "$authorized_keys" ] || (umask 077 && : >"$authorized_keys")
    if [ "$detach" = no ]; then
        supervisor_pid=$$
        echo $$ >"$dir/run/supervisor"
    fi

    set_ports
    start_nats
    start_services
    if asks_for_token; then
        device=no
        demo_hint="The gateway asks for a token: curl -H 'Authorization: Bearer TOKEN', mas4hctl --token-file FILE.
There is no demo device: it would need a token (MAS4H_DEVICE_TOKEN_FILE)."
    fi
    if [ "$device" = yes ] && write_device_settings && authorize_demo_device; then start_demo_device; fi
    write_cluster_json
    print_cluster
    if [ "$detach" = yes ]; then
        trap - EXIT
    else
        supervise
    fi
}

# Until Ctrl-C or `down`: tells of each process that ends. A test may have started it again.
supervise() {
    local id
    trap 'exit $failed' INT TERM HUP
    while any_runs; do
        for id in "${!child_of[@]}"; do
            is_alive "${child_of[$id]}" || take_status "$id"
        done
        sleep 0.5 9>&-
    done
}

on_exit() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    stop_all
    forget_cluster
    rm -f "$dir/lock"
    [ "$status" -ne 0 ] || status=$failed
    exit "$status"
}

# Leaves the logs, the keys and authorized_keys.
forget_cluster() { rm -rf "$dir/run" "$dir/nats" "$dir/cluster.json" "$dir/cluster.json.new"; }

down() {
    local supervisor
    if [ ! -d "$dir/run" ]; then
        say "no cluster runs in $dir"
        return 0
    fi
    dir=$(cd "$dir" && pwd -P)
    supervisor=$(cat "$dir/run/supervisor" 2>/dev/null || true)
    if [ -n "$supervisor" ] && [ "$(readlink "/proc/$supervisor/fd/9")" = "$dir/lock" ]; then
        kill -TERM "$supervisor"
        local deadline=$((SECONDS + 60))
        while is_alive "$supervisor" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
    fi
    set +e
    stop_all
    forget_cluster
    rm -f "$dir/lock"
    return "$failed"
}

read_options "$@"
$command
