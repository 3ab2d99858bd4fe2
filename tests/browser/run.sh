#!/bin/bash
# Runs a test of the page with what install.sh put into FOLDER. Status 77, skipped, where that or the browser is missing.
# usage: run.sh FOLDER FILE
set -u
for needed in node chromium; do
    if ! command -v "$needed" >/dev/null; then
        echo "skipped: there is no $needed"
        exit 77
    fi
done
if [ ! -d "$1/node_modules" ]; then
    echo "skipped: npm could not install the packages"
    exit 77
fi
exec node --test-reporter=spec "$1/$2"
