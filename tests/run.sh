#!/usr/bin/env bash
# Builds mas4h in every way that must hold and runs all its tests. Installs what is missing.
#
#   bash tests/run.sh            everything
#   bash tests/run.sh --quick    format, development build and its unit tests
#
# What fails soonest comes first; the whole suite under the address sanitizer comes last, so that
# the closing lines are ctest's own. A second run builds only what has changed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
jobs=$(nproc)

section() { printf '\n== %s\n' "$*"; }

# --- steps -----------------------------------------------------------------------------------

check_format() {
    section "format"
    local sources
    mapfile -d '' sources < <(find lib services tests bench -name '*.[ch]' -print0)
    clang-format --dry-run -Werror -- "${sources[@]}"
    local script
    for script in deploy/local.sh deploy/local/*.sh deploy/install-packages.sh tests/*.sh .ci/run; do
        bash -n "$script"
    done
    bash -n deploy/nats/make-users
    sh -n deploy/device/mas4h-device
}

# Quiet, unless it fails.
build() {
    section "build: $1"
    local log=build/$1.log
    mkdir -p build
    if ! { [ -e "build/$1/build.ninja" ] || cmake --preset "$1"; } >"$log" 2>&1 ||
        ! cmake --build --preset "$1" -j "$jobs" >>"$log" 2>&1; then
        cat "$log"
        echo "the build '$1' failed"
        return 1
    fi
}

# Sanitizers of these compilers do not stand a kernel that spreads addresses wider than they know.
with_plain_addresses() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

run_tests() {
    local preset=$1
    shift
    section "tests: $preset $*"
    # Most tests wait for most of their time.
    with_plain_addresses ctest --preset "$preset" -j $((2 * jobs)) "$@"
}

# The README's first command, release build included; the demo device answers or it fails.
try_local_cluster() (
    section "deploy/local.sh"
    dir=$(mktemp -d)
    trap 'bash deploy/local.sh down --dir "$dir"; rm -rf "$dir"' EXIT
    bash deploy/local.sh up --dir "$dir" --detach
)

# --- order -----------------------------------------------------------------------------------

case ${1:-} in
    '' | --quick) ;;
    *)
        echo "usage: bash tests/run.sh [--quick]" >&2
        exit 64
        ;;
esac

bash deploy/install-packages.sh run build test
check_format
build dev
run_tests dev --label-exclude integration
[ "${1:-}" != --quick ] || exit 0
try_local_cluster
# Amounts of memory and of data that only hold, or only fit, without a sanitizer.
run_tests dev --label-regex heavy
build tsan
run_tests tsan --label-exclude 'not-tsan'
build asan
run_tests asan
