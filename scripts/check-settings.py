#!/usr/bin/python3
"""Every setting is shown where an operator looks for it.

    scripts/check-settings.py BIN [TREE]

For each service, and for mas4hctl (ctl): deploy/config/SERVICE.conf is what `PROGRAM --print-config`
prints, and services/SERVICE/README.md names every `[section] key` of it.
"""
import pathlib
import re
import subprocess
import sys

PROGRAMS = {"master": "mas4h-master", "slave": "mas4h-slave", "gateway": "mas4h-gateway", "ctl": "mas4hctl"}


def settings(sample):
    section = ""
    for line in sample.splitlines():
        found = re.fullmatch(r"\[(\w+)\]", line)
        if found:
            section = found.group(1)
        found = re.match(r"#(\w+) =", line)
        if found:
            yield f"[{section}] {found.group(1)}"


def faults_of(service, programs, tree):
    printed = subprocess.run(
        [programs / PROGRAMS[service], "--print-config"],
        check=True, capture_output=True, text=True).stdout
    sample = tree / "deploy" / "config" / f"{service}.conf"
    readme = tree / "services" / service / "README.md"
    if not sample.exists() or sample.read_text(encoding="utf-8") != printed:
        yield (f"deploy/config/{service}.conf: not what {PROGRAMS[service]} --print-config prints: "
               "write it anew")
    named = " ".join(readme.read_text(encoding="utf-8").split()) if readme.exists() else ""
    for setting in settings(printed):
        if f"`{setting}`" not in named:
            yield f"services/{service}/README.md: does not name `{setting}`"


def main():
    programs = pathlib.Path(sys.argv[1])
    tree = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parents[1])
    faults = [fault for service in PROGRAMS for fault in faults_of(service, programs, tree)]
    print("\n".join(faults) if faults else "every setting is in its sample file and its README")
    return 1 if faults else 0


sys.exit(main())
