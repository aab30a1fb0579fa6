#!/usr/bin/env bash
# Prepares this folder: .venv with the pinned packages, and the system programs for sound and browser tests.
# A second run with unchanged requirements ends at once. Without the right to install system programs it goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly STAMP=.venv/.musicdemo-setup
readonly INPUTS=(requirements.txt requirements-train.txt requirements-dev.txt constraints.txt scripts/setup.sh)

say() { echo "setup: $*"; }
has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"
    else sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

may_install() { has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }; }

apt_updated=no
install_system() {
    may_install || return 1
    say "installing $1 with apt-get"
    if [ "$apt_updated" = no ]; then
        as_root timeout 300 apt-get update -qq >/dev/null 2>&1 || true # an old package list may still do
        apt_updated=yes
    fi
    as_root timeout 900 apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

find_python() {
    local candidate
    for candidate in python3.11 python3; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer is needed and neither python3.11 nor python3 is one; on Debian: apt-get install python3.11-venv" >&2
    return 1
}

make_venv() {
    local python package
    python=$(find_python) || exit 1
    package="python$(version_of "$python")-venv"
    if ! has_venv "$python" && ! { install_system "$package" && has_venv "$python"; }; then
        say "$python cannot make virtual environments; on Debian: apt-get install $package" >&2
        exit 1
    fi
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

fingerprint() { cat "${INPUTS[@]}" | sha256sum; }
is_current() { .venv/bin/python -c '' 2>/dev/null && [ "$(cat "$STAMP" 2>/dev/null)" = "$(fingerprint)" ]; }

install_packages() {
    .venv/bin/python -c 'import pip' >/dev/null 2>&1 || make_venv
    say "installing the Python packages (the first time takes some minutes)"
    if ! .venv/bin/python -m pip install --disable-pip-version-check -r requirements-dev.txt >.venv/setup.log 2>&1; then
        tail -n 5 .venv/setup.log >&2
        say "the Python packages could not be installed (the whole story is in .venv/setup.log); run this again later" >&2
        exit 1
    fi
}

# $1 is what is lost, the rest are names of the program; the first is also the name of the system package.
want_program() {
    local consequence=$1 name
    shift
    for name in "$@"; do
        if has "$name"; then return; fi
    done
    if [ "$tried_system" = no ] && install_system "$1" && has "$1"; then return; fi
    say "$1 is missing and was not installed: $consequence"
}

tried_system=no
if is_current; then
    # What could not be installed last time is not tried again at every start, except where skipping would hide it.
    [ "${CI:-}" = true ] || tried_system=yes
else
    install_packages
fi
want_program "sound falls back to the renderer that came with the Python packages" fluidsynth
want_program "the end-to-end tests will be skipped" chromium chromium-browser google-chrome
fingerprint >"$STAMP"
