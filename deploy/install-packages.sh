#!/usr/bin/env bash
# Installs the Debian packages that mas4h needs, and only those that are missing.
#
#   bash deploy/install-packages.sh SET...      SET: run, build, test
#
# It needs root, or sudo. When nothing is missing it needs neither and takes no
# time. Services that a package would start by itself (nats-server, sshd) are
# neither started nor left enabled: only their programs are wanted.
set -euo pipefail

run_packages=(nats-server openssh-client curl python3)
build_packages=(cmake ninja-build pkg-config gcc libc6-dev libssh-dev libssl-dev libuv1-dev libnats-dev
    libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libprotobuf-dev libmicrohttpd-dev libgnutls28-dev
    libsystemd-dev libwslay-dev libjansson-dev libinih-dev libcurl4-openssl-dev libsqlite3-dev uthash-dev libcmocka-dev)
test_packages=(clang clang-format openssh-server dropbear-bin python3-protobuf python3-websockets
    python3-cryptography netcat-openbsd procps iproute2 haproxy nginx ssh-audit git
    mandoc openssl prometheus rsync ansible-core
    chromium)

say() { printf '%s\n' "$*" >&2; }

# Prints those of its arguments that are not installed.
missing_of() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p') || true
    local package
    for package in "$@"; do
        grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
    done
}

# Runs a command as root, or fails.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || [ -t 0 ] # with a terminal, sudo can ask for its password
}

# A package's scripts ask policy-rc.d before they start a service; 101 means "do not".
# An administrator's own policy is left as it is.
policy=/usr/sbin/policy-rc.d
forbid_service_starts() {
    [ -e "$policy" ] && return 0
    trap allow_service_starts EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 0755 "$policy"
}

allow_service_starts() { as_root rm -f "$policy"; }

# A service whose package was installed just now is not to start at the next boot either.
leave_disabled() {
    command -v systemctl >/dev/null || return 0
    local package
    for package in "$@"; do
        case $package in
            nats-server) as_root systemctl --quiet disable nats-server.service || true ;;
            openssh-server) as_root systemctl --quiet disable ssh.service || true ;;
            haproxy | nginx | prometheus) as_root systemctl --quiet disable "$package.service" || true ;;
        esac
    done
}

main() {
    local wanted=() set
    for set in "$@"; do
        case $set in
            run) wanted+=("${run_packages[@]}") ;;
            build) wanted+=("${build_packages[@]}") ;;
            test) wanted+=("${test_packages[@]}") ;;
            *)
                say "install-packages.sh: '$set' is no set of packages; there are run, build and test"
                exit 64
                ;;
        esac
    done
    if ! command -v dpkg-query >/dev/null; then
        say "install-packages.sh: this is not a Debian system; the equivalents of these packages"
        say "must be there already: ${wanted[*]}"
        return 0
    fi

    local missing
    mapfile -t missing < <(missing_of "${wanted[@]}")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! can_be_root; then
        say "These packages are missing, and installing them needs root or sudo:"
        say "  ${missing[*]}"
        say "Ask an administrator to run:"
        say "  apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi

    say "installing ${missing[*]}"
    forbid_service_starts
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 install "${missing[@]}" >&2
    leave_disabled "${missing[@]}"
}

main "$@"
