#!/usr/bin/env python3
"""Checks that services/gateway/openapi/openapi.json has every route of the gateway and no other, each with its scope.

usage: check-openapi.py FOLDER
"""

import json
import re
import sys
from pathlib import Path

ROUTE = re.compile(r'^    \{"([A-Z]+)", "(/[^"]*)", \w+, \w+, (\w+)\},$', re.M)
OPEN_SCOPES = {"M4H_GATEWAY_SCOPE_PUBLIC": None, "M4H_HTTP_SCOPE_PUBLIC": None, "0": None}
# /metrics may need the scope read: [access] metrics_open.
OPTIONAL = {("GET", "/metrics")}


def scope_of(name):
    if name in OPEN_SCOPES:
        return None
    return name.rpartition("_")[2].lower()


def served(root):
    """{(method, path): scope} of the routes in the sources."""
    files = [*sorted((root / "services" / "gateway" / "io").glob("*.c")), root / "lib" / "http" / "ops.c"]
    return {(method, path): scope_of(scope)
            for file in files if file.exists() for method, path, scope in ROUTE.findall(file.read_text())}


def described(document):
    """{(method, path): scope} of the operations in the document."""
    found = {}
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method not in item:
                continue
            security = item[method].get("security", document["security"])
            scopes = {scope for one in security for names in one.values() for scope in names}
            found[method.upper(), path] = ",".join(sorted(scopes)) or None
    return found


def main():
    root = Path(sys.argv[1])
    path = root / "services" / "gateway" / "openapi" / "openapi.json"
    in_sources, in_document = served(root), described(json.loads(path.read_text()))
    faults = [f"it lacks {method} {target}" for method, target in sorted(in_sources.keys() - in_document.keys())]
    faults += [f"nobody serves {method} {target}"
               for method, target in sorted(in_document.keys() - in_sources.keys())]
    faults += [f"{method} {target} needs the scope {in_sources[method, target]}, and it says {in_document[method, target]}"
               for method, target in sorted(in_sources.keys() & in_document.keys())
               if in_sources[method, target] != in_document[method, target] and (method, target) not in OPTIONAL]
    if not in_sources:
        faults.append("no routes were found in the sources")
    for fault in faults:
        print(f"{path.relative_to(root)}: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
