#!/usr/bin/env bash
# moto's server, a stand-in for SNS on loopback, with queues that topics can be subscribed to. It keeps everything in
# memory and takes any credentials; what it was told is at /moto-api/data.json. `run DIR PORT`.
set -euo pipefail
name=sns title="moto" version=5.2.5
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_python "moto[server,sns,sqs]==$version" "fetching $title $version with pip (about 100 MB)"; }

run() {
    exec "$place/bin/python" "$place/bin/moto_server" -H 127.0.0.1 -p "$2"
}

ready() { answers_http "$1" /moto-api/; }

dispatch "$@"
