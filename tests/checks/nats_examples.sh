#!/bin/bash
# nats-server reads the example configurations: as they are shipped, and with JetStream switched on.
# usage: nats_examples.sh SOURCE
set -euo pipefail
PATH=$PATH:/usr/sbin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
with=0
for file in "$1"/deploy/nats/*.conf; do
    sed '/^#jetstream {/,/^#}/s/^#//; s/^    #jetstream: enabled/    jetstream: enabled/' "$file" >"$folder/with-jetstream.conf"
    for each in "$file" "$folder/with-jetstream.conf"; do
        nats-server -t -c "$each" || { echo "$(basename "$file") is wrong"; exit 1; }
    done
    ! grep -q '^jetstream {' "$folder/with-jetstream.conf" || with=$((with + 1))
done
"$1/deploy/nats/make-users" --out "$folder/users" --stream MAS4H_EVENTS_EU --master master-1 --slave eu/slave-1 \
    --gateway gateway-1 --viewer viewer-1 >/dev/null
nats-server -t -c "$folder/users/users.conf"
[ "$with" -ge 3 ] || { echo "JetStream was switched on in $with files only"; exit 1; }
