#!/bin/bash
# Lints the description of REST. Where npm cannot install the linter: status 77, skipped.
# usage: openapi.sh SOURCE BUILD
set -u
here=$1/tests/checks
bash "$here/install-openapi-tools.sh" "$2" || exit $?
cp "$here/openapi.mjs" "$2/openapi-node/"
node "$2/openapi-node/openapi.mjs" "$1/services/gateway/openapi/openapi.json"
