#!/bin/bash
# Installs what the browser's tests need into BUILD/browser-node, and puts the tests beside it, where there is npm and a
# network. It succeeds in any case: a test that lacks the packages, or chromium, says that it is skipped.
# usage: install.sh SOURCE BUILD
set -u
folder=$2/browser-node
mkdir -p "$folder"
if ! cmp -s "$1/tests/browser/package.json" "$folder/package.json" || [ ! -d "$folder/node_modules" ]; then
    rm -rf "$folder/node_modules"
    cp "$1/tests/browser/package.json" "$folder/"
    if ! command -v npm >/dev/null; then
        echo "no npm"
    elif ! timeout 120 npm install --prefix "$folder" --no-audit --no-fund --no-package-lock --ignore-scripts; then
        echo "npm could not install the packages"
        rm -rf "$folder/node_modules"
    fi
fi
cp "$1"/tests/browser/*.mjs "$folder/"
exit 0
