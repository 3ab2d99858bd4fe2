#!/bin/bash
# Runs asyncapi.mjs with its packages, which npm installs into BUILD/asyncapi-node. Where npm cannot: status 77, skipped.
# usage: asyncapi.sh SOURCE BUILD
set -u
folder=$2/asyncapi-node
mkdir -p "$folder"
cat >"$folder/package.json.new" <<'END'
{
  "private": true,
  "dependencies": { "@asyncapi/parser": "3.6.3", "@asyncapi/protobuf-schema-parser": "3.9.0" }
}
END
if ! cmp -s "$folder/package.json.new" "$folder/package.json" || [ ! -d "$folder/node_modules" ]; then
    cp "$folder/package.json.new" "$folder/package.json"
    if ! timeout 150 npm install --prefix "$folder" --no-audit --no-fund --no-package-lock --ignore-scripts; then
        rm -rf "$folder/node_modules"
        echo "skipped: npm is not there, or could not install the parser of AsyncAPI"
        exit 77
    fi
fi
cp "$1/tests/checks/asyncapi.mjs" "$folder/"
node "$folder/asyncapi.mjs" "$1/docs/asyncapi.yaml"
