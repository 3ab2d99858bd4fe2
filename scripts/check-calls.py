#!/usr/bin/python3
"""Calls that this code does not make: they write or read without a bound, or hide an error.

    scripts/check-calls.py [TREE]
"""
import pathlib
import re
import sys

INSTEAD = {
    "alloca": "a bounded array, or calloc",
    "atoi": "strtol, checked",
    "atol": "strtol, checked",
    "gets": "fgets",
    "sprintf": "snprintf",
    "strcat": "snprintf or struct m4h_buffer",
    "strcpy": "m4h_text_copy",
    "strncat": "snprintf or struct m4h_buffer",
    "strtok": "strcspn",
    "vsprintf": "vsnprintf",
}

CALL = re.compile(r"\b(" + "|".join(INSTEAD) + r")\s*\(")
# Comments, strings and characters: nothing in them is a call.
QUIET = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def faults_of(tree, path):
    code = QUIET.sub(blank, (tree / path).read_text(encoding="utf-8", errors="replace"))
    for match in CALL.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: {match.group(1)}: use {INSTEAD[match.group(1)]}"


def sources(tree):
    for top in ("lib", "services", "tests", "bench"):
        for path in sorted((tree / top).rglob("*.[ch]")):
            yield path.relative_to(tree)


def main():
    tree = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    paths = list(sources(tree))
    faults = [fault for path in paths for fault in faults_of(tree, path)]
    print("\n".join(faults) if faults else f"{len(paths)} files make none of these calls")
    if not paths:
        print(f"{tree}: no sources here")
    return 1 if faults or not paths else 0


sys.exit(main())
