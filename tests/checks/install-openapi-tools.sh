#!/bin/bash
# Installs the linter of OpenAPI and the validator of JSON Schema into BUILD/openapi-node, once. Status 77: npm could not.
# usage: install-openapi-tools.sh BUILD
set -u
folder=$1/openapi-node
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
cat >"$folder/package.json.new" <<'JSON'
{
  "private": true,
  "dependencies": { "@redocly/openapi-core": "2.1.0", "ajv": "8.17.1", "ajv-formats": "3.0.1" }
}
JSON
if ! cmp -s "$folder/package.json.new" "$folder/package.json" || [ ! -d "$folder/node_modules" ]; then
    cp "$folder/package.json.new" "$folder/package.json"
    if ! timeout 150 npm install --prefix "$folder" --no-audit --no-fund --no-package-lock --ignore-scripts; then
        rm -rf "$folder/node_modules"
        echo "skipped: npm is not there, or could not install the tools of OpenAPI"
        exit 77
    fi
fi
