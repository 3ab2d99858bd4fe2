#!/usr/bin/env python3
"""Checks that docs/asyncapi.yaml has the messages of proto/ and every type of event.

usage: check-asyncapi.py FOLDER [--write]
--write puts the messages into the document anew.
"""

import re
import sys
from pathlib import Path

# What stands before each schema, and the files of proto/ that it is of.
SCHEMAS = {
    "        # From proto/mas4h/v1/audit.proto, by scripts/check-asyncapi.py --write.\n        schema: |\n": ("audit",),
    "        # From proto/mas4h/v1, by scripts/check-asyncapi.py --write.\n        schema: |\n": ("event", "slave", "tunnel"),
}


def schema(proto, parts):
    """Some files of proto/, as one."""
    lines = ['syntax = "proto3";', "package mas4h.v1;", 'import "google/protobuf/timestamp.proto";']
    for part in parts:
        text = (proto / "mas4h" / "v1" / f"{part}.proto").read_text()
        text = re.sub(r'^(syntax|package|import) .*\n', "", text, flags=re.M)
        lines += ["", *text.strip().splitlines()]
    return "".join(f"          {line}".rstrip() + "\n" for line in lines)


def split(document, begin):
    """What is before the schema, the schema, and what is after it."""
    before, found, rest = document.partition(begin)
    if not found:
        sys.exit("docs/asyncapi.yaml has no place for the messages")
    end = re.search(r"^ {0,9}\S", rest, re.M)
    at = end.start() if end else len(rest)
    return before + found, rest[:at], rest[at:]


def event_types(proto):
    text = (proto / "mas4h" / "v1" / "event.proto").read_text()
    return re.findall(r"^    \w+ (\w+) = \d+;", text[text.index("oneof payload"):text.index("message Connect")], re.M)


def main():
    root = Path(sys.argv[1])
    path = root / "docs" / "asyncapi.yaml"
    document = path.read_text()
    written = document
    for begin, parts in SCHEMAS.items():
        before, _, after = split(written, begin)
        written = before + schema(root / "proto", parts) + after
    if "--write" in sys.argv[2:]:
        path.write_text(written)
        return
    faults = []
    if written != document:
        faults.append("its messages are not those of proto/: scripts/check-asyncapi.py . --write")
    for kind in event_types(root / "proto"):
        if f"address: mas4h.v1.events.{{region}}.{{slave}}.{kind}\n" not in document:
            faults.append(f"it has no channel of the event {kind}")
    for fault in faults:
        print(f"docs/asyncapi.yaml: {fault}")
    sys.exit(1 if faults else 0)


main()
