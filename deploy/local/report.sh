# Sourced by local.sh: what the cluster says of itself, to programs (cluster.json) and to people.
# It must not know: how the processes are started or stopped.
# shellcheck shell=bash disable=SC2154 # the variables are local.sh's

json_string() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# json_object NAME VALUE...: a value that is a number is written as one.
json_object() {
    local separator=''
    printf '{'
    while [ $# -gt 0 ]; do
        printf '%s"%s": ' "$separator" "$1"
        if [[ $2 =~ ^[0-9]+$ ]]; then printf '%s' "$2"; else json_string "$2"; fi
        separator=', '
        shift 2
    done
    printf '}'
}

# json_list INDENT: joins the lines of the input, one object each.
json_list() { sed -e "2,\$s/^/$1/" -e '$!s/$/,/'; }

process_members() { printf '%s\n' pid "$(pid_of "$1")" log "$dir/log/$1.log" command "$dir/run/$1.sh"; }

list_masters() {
    local i members
    for i in $(seq "$masters"); do
        mapfile -t members < <(process_members "master-$i")
        json_object id "master-$i" metrics_url "http://127.0.0.1:${http_port[master-$i]}/metrics" "${members[@]}"
        echo
    done
}

list_slaves() {
    local i members
    for i in $(seq "$slaves"); do
        mapfile -t members < <(process_members "slave-$i")
        json_object id "slave-$i" region "${region_of[slave-$i]}" host 127.0.0.1 \
            port "${device_port[slave-$i]}" \
            metrics_url "http://127.0.0.1:${http_port[slave-$i]}/metrics" "${members[@]}"
        echo
    done
}

list_gateways() {
    local i members
    for i in $(seq "$gateways"); do
        mapfile -t members < <(process_members "gateway-$i")
        json_object id "gateway-$i" url "http://127.0.0.1:${http_port[gateway-$i]}" \
            metrics_url "http://127.0.0.1:${http_port[gateway-$i]}/metrics" "${members[@]}"
        echo
    done
}

list_devices() {
    local members
    [ -n "$demo_port" ] || return 0
    mapfile -t members < <(process_members demo-device)
    json_object id demo-device client_key demo-device port "$demo_port" "${members[@]}"
    echo
}

write_cluster_json() {
    local members
    mapfile -t members < <(process_members nats)
    {
        printf '{"nats_url": "nats://127.0.0.1:%s", "nats": ' "$nats_port"
        json_object "${members[@]}"
        printf ',\n "dir": %s, "authorized_keys": %s, "supervisor_pid": %s' \
            "$(json_string "$dir")" "$(json_string "$authorized_keys")" "${supervisor_pid:-null}"
        printf ',\n "masters":  [%s]' "$(list_masters | json_list '              ')"
        printf ',\n "slaves":   [%s]' "$(list_slaves | json_list '              ')"
        printf ',\n "gateways": [%s]' "$(list_gateways | json_list '              ')"
        printf ',\n "devices":  [%s]}\n' "$(list_devices | json_list '              ')"
    } >"$dir/cluster.json.new"
    mv "$dir/cluster.json.new" "$dir/cluster.json"
}

print_cluster() {
    local gateway_url="http://127.0.0.1:${http_port[gateway-1]}"
    local state_dir=$dir/keys/my-device device ctl
    printf -v ctl '%q --gateway %s top' "$bin/mas4hctl" "$gateway_url"
    printf -v device 'MAS4H_DEVICE_GATEWAYS=%s MAS4H_DEVICE_STATE_DIR=%q sh %q' \
        "$gateway_url" "$state_dir" "$root/deploy/device/mas4h-device"
    cat <<END

The cluster is up: $(count "$masters" master), $(count "$slaves" slave), $(count "$gateways" gateway), in $dir
  dashboard        $gateway_url/
  command line     $ctl
  REST             curl $gateway_url/v1/cluster
  NATS             nats://127.0.0.1:$nats_port
  its description  $dir/cluster.json
END
    [ -z "$demo_port" ] || cat <<END

Reach the demo device, through the port that its slave opened for it:
  curl http://127.0.0.1:$demo_port/
END
    [ -z "$demo_hint" ] || printf '\n%s\n' "$demo_hint"
    asks_for_token || cat <<END

Connect a device of your own: let it in once, then keep its port 22 reachable (MAS4H_DEVICE_PORT=... for another):
  $device --public-key >>$(printf %q "$authorized_keys")
  $device
It prints the port that it got, as "Allocated port N"; an operator then runs: ssh -p N user@127.0.0.1
END
    echo
    if [ -n "$supervisor_pid" ]; then
        echo "Ctrl-C stops the cluster."
    else
        printf 'Stop the cluster: bash %q down --dir %q\n' "$root/deploy/local.sh" "$dir"
    fi
}

count() { if [ "$1" -eq 1 ]; then echo "1 $2"; else echo "$1 $2s"; fi; }
