#!/usr/bin/python3
"""Writes a source file of a core with one mistake in it.

    mutate.py MUTANT TREE OUT    OUT is written
    mutate.py --source MUTANT    the path of the source, from the top of the tree

A mutant is a text file: what the mistake is, the path of the source, and the lines as they are
and as they are to be. Where the source does not have those lines once, what is written ends the
program at its start and says so: a mutant that is out of date must not look like one that is
caught, nor break the build.
"""
import pathlib
import re
import sys

FORM = re.compile(r"(?P<what>[^\n]+)\n(?P<path>\S+)\n<<<<\n(?P<old>.*\n)====\n(?P<new>.*)>>>>\n",
                  re.DOTALL)
STALE = """#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void out_of_date(void)
{
    puts("this mutant is out of date: its lines are not in the source");
    exit(3);
}
"""


def main():
    mutant = pathlib.Path(sys.argv[2] if sys.argv[1] == "--source" else sys.argv[1])
    form = FORM.fullmatch(mutant.read_text())
    if form is None:
        sys.exit(f"{mutant}: not of the form of a mutant")
    if sys.argv[1] == "--source":
        print(form["path"], end="")
        return
    source = (pathlib.Path(sys.argv[2]) / form["path"]).read_text()
    if source.count(form["old"]) == 1:
        mutated = source.replace(form["old"], form["new"])
    else:
        mutated = STALE + source
    pathlib.Path(sys.argv[3]).write_text(mutated)


main()
