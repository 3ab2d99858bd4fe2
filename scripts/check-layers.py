#!/usr/bin/python3
"""Who may include what: the layers of docs/ARCHITECTURE.md, as a check.

    scripts/check-layers.py [TREE]

Reads every .c and .h below lib/ and services/ and names each #include that breaks a rule:

* an outside library's header is included in its one folder of lib/ only;
* a module of lib/ includes itself and the modules below it;
* a service includes lib/ and itself, never another service;
* a core includes lib/base, its own core and the plain headers of the C library: no socket, no
  clock, no thread;
* an include is written from the top of the tree, and a header that is not known here is refused, so
  that a new library gets its folder first.
"""
import pathlib
import re
import sys

# The folder of lib/ that each outside library belongs to.
OUTSIDE = {
    "uv.h": "net",
    "uv/": "net",
    "libssh/": "ssh",
    "nats.h": "bus",
    "nats/": "bus",
    "protobuf-c/": "wire",
    "google/protobuf-c/": "wire",
    "microhttpd.h": "http",
    "gnutls/": "http",
    "wslay/": "http",
    "openssl/": "crypto",
    "jansson.h": "json",
    "ini.h": "config",
    "curl/": "fetch",
    "systemd/": "net",
    "sqlite3.h": "store",
}

# What a module of lib/ may include besides itself.
BELOW = {
    "base": set(),
    "config": {"base"},
    "crypto": {"base"},
    "fetch": {"base", "net"},
    "wire": {"base"},
    "bus": {"base", "crypto"},
    "json": {"base"},
    "net": {"base"},
    "store": {"base", "net"},
    "ssh": {"base", "net"},
    "http": {"base", "crypto", "net", "json"},
    "audit": {"base", "net", "wire", "bus"},
}

# Headers of the C library that decisions may rest on: they only compute.
PLAIN = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h",
    "arpa/inet.h",  # inet_pton reads addresses; a socket needs sys/socket.h
    "uthash.h", "utlist.h",  # containers that are headers only
}

# The others, for lib/ and for io/.
SYSTEM = {
    "cpuid.h", "dirent.h", "dlfcn.h", "fcntl.h", "gnu/libc-version.h", "netdb.h", "poll.h",
    "pthread.h", "pwd.h", "signal.h", "spawn.h", "stdatomic.h", "syslog.h", "termios.h", "time.h",
    "unistd.h",
}
SYSTEM_FOLDERS = ("linux/", "net/", "netinet/", "sys/")

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*(.*?)[ \t]*$", re.MULTILINE)
QUOTED = re.compile(r'"([^"]+)"')
ANGLED = re.compile(r"<([^>]+)>")


def outside_folder(header):
    """(True, its folder) of an outside library's header."""
    for name, folder in OUTSIDE.items():
        if header == name or (name.endswith("/") and header.startswith(name)):
            return True, folder
    return False, None


class Place:
    """Where a file stands: lib/MODULE, or services/SERVICE and whether it is in its core."""

    def __init__(self, path):
        parts = path.parts
        self.module = parts[1] if parts[0] == "lib" else None
        self.service = parts[1] if parts[0] == "services" else None
        self.core = self.service is not None and parts[2] == "core"


def fault_of_angled(place, header):
    is_outside, folder = outside_folder(header)
    if is_outside and folder is None:
        return "no folder of lib/ has this library"
    if is_outside and place.module != folder:
        return f"only lib/{folder} includes this library"
    if is_outside or header in PLAIN:
        return None
    if header not in SYSTEM and not header.startswith(SYSTEM_FOLDERS):
        return "not known: give the library its folder in scripts/check-layers.py"
    if place.core:
        return "a core decides without sockets, clocks and threads"
    return None


def fault_of_generated(place):
    return None if place.module == "wire" else "only lib/wire includes generated messages"


def fault_of_lib(place, module):
    if place.core:
        return None if module == "base" else "a core includes lib/base and its own core only"
    if place.service is not None:
        return None
    if place.module not in BELOW:
        return f"lib/{place.module} has no place among the layers"
    if module == place.module or module in BELOW[place.module]:
        return None
    return f"lib/{place.module} stands below lib/{module}, or beside it"


def fault_of_service(place, parts):
    if place.module is not None:
        return "lib/ knows no service"
    if parts[1] != place.service:
        return "a service never includes another"
    if place.core and parts[2] != "core":
        return "a core includes lib/base and its own core only"
    return None


def fault_of_quoted(place, header):
    parts = header.split("/")
    if ".." in parts:
        return "write it from the top of the tree"
    if header.endswith(".pb-c.h"):
        return fault_of_generated(place)
    if parts[0] == "lib" and len(parts) > 2:
        return fault_of_lib(place, parts[1])
    if parts[0] == "services" and len(parts) > 2:
        return fault_of_service(place, parts)
    return "write it from the top of the tree, below lib/ or services/"


def fault_of(place, target):
    quoted, angled = QUOTED.match(target), ANGLED.match(target)
    if quoted:
        return fault_of_quoted(place, quoted.group(1))
    if angled and angled.group(1).endswith(".pb-c.h"):
        return fault_of_generated(place)
    if angled:
        return fault_of_angled(place, angled.group(1))
    return "a header that cannot be read off"


def faults_of(tree, path):
    text = (tree / path).read_text(encoding="utf-8", errors="replace")
    place = Place(path)
    for match in INCLUDE.finditer(text):
        fault = fault_of(place, match.group(1))
        if fault is not None:
            line = text.count("\n", 0, match.start(1)) + 1
            yield f"{path}:{line}: #include {match.group(1)}: {fault}"


def sources(tree):
    for top in ("lib", "services"):
        for path in sorted((tree / top).rglob("*.[ch]")):
            yield path.relative_to(tree)


def main():
    tree = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    paths = list(sources(tree))
    faults = [fault for path in paths for fault in faults_of(tree, path)]
    print("\n".join(faults) if faults else f"{len(paths)} files keep to the layers")
    if not paths:
        print(f"{tree}: no sources here")
    return 1 if faults or not paths else 0


sys.exit(main())
