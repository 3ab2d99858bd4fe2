#!/bin/bash
# Holds the schema of validators' answers against answers. Where npm cannot install ajv: status 77, skipped.
# usage: validator_schema.sh SOURCE BUILD
set -u
here=$1/tests/checks
bash "$here/install-openapi-tools.sh" "$2" || exit $?
cp "$here/validator_schema.mjs" "$2/openapi-node/"
node "$2/openapi-node/validator_schema.mjs" "$1"
