#!/usr/bin/env bash
# moto's server, a stand-in for SNS on loopback, with queues that topics can be subscribed to. It keeps everything in
# memory and takes any credentials; what it was told is at /moto-api/data.json. `run DIR PORT`.
set -euo pipefail

version=5.2.5
place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/sns-$version

install() {
    [[ ! -f $place/complete ]] || return 0
    python3 -c 'import venv, ensurepip' 2>/dev/null ||
        { echo "sns: python3's venv is missing: install the Debian package python3-venv" >&2; exit 1; }
    echo "sns: fetching moto $version with pip (about 100 MB) into $place"
    # Its programs name the folder they were made in, so it is made in place, and complete is its last file.
    rm -rf "$place"
    mkdir -p "${place%/*}"
    python3 -m venv "$place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check "moto[server,sns,sqs]==$version"
    touch "$place/complete"
}

run() {
    install
    mkdir -p "$1"
    cd "$1"
    exec "$place/bin/python" "$place/bin/moto_server" -H 127.0.0.1 -p "$2"
}

ready() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /moto-api/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    read -r -t 2 line <&3 && [[ $line == HTTP/1.* ]]
}

case ${1-} in
install) install ;;
run) run "$(realpath -m "${2:?a directory}")" "${3:?a port}" ;;
ready) ready "${2:?a port}" 2>/dev/null ;;
version) echo "moto $version" ;;
*) echo "usage: sns.sh install | run DIR PORT | ready PORT | version" >&2; exit 2 ;;
esac
