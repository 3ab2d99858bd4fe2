#!/bin/bash
# Installs what the Node examples need into BUILD/examples-node, where there is npm and a network. It succeeds in any
# case: the tests that need the packages say that they are skipped.
# usage: install-node-packages.sh SOURCE BUILD
set -u
folder=$2/examples-node
mkdir -p "$folder"
if cmp -s "$1/deploy/examples/node/package.json" "$folder/package.json" && [ -d "$folder/node_modules" ]; then
    exit 0
fi
rm -rf "$folder/node_modules"
cp "$1/deploy/examples/node/package.json" "$folder/"
if ! command -v npm >/dev/null; then
    echo "no npm"
elif ! timeout 120 npm install --prefix "$folder" --no-audit --no-fund --no-package-lock --ignore-scripts; then
    echo "npm could not install the packages"
    rm -rf "$folder/node_modules"
fi
exit 0
