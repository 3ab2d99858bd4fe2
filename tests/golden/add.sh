#!/bin/bash
# Keeps the messages of today whose kind is not kept yet in a set: tests/golden/add.sh BUILD SET. What is there stays.
set -euo pipefail
cd "$(dirname "$0")"
golden=$1/bin/golden
mkdir -p "$2"
for name in $("$golden" names); do
    [ -e "$2/$name.bin" ] && continue
    "$golden" make "$name" >"$2/$name.bin"
    /usr/bin/python3 -B - "$name" "$2/$name" <<'END'
import sys
from pathlib import Path
import test_golden
path = Path(sys.argv[2])
path.with_suffix(".txt").write_text(test_golden.text_of(sys.argv[1], path.with_suffix(".bin").read_bytes()))
END
    echo "$2/$name"
done
