#!/usr/bin/env bash
# versitygw, an S3 server over a directory: checks signatures, conditional writes, multipart uploads and presigned
# addresses. `run DIR PORT` keeps its objects in DIR. The root user is AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or
# stoalocal and stoalocalsecret.
set -euo pipefail
name=s3 title="versitygw" version=1.8.0
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_place "building $title $version from its Go module (about a minute and a half)"; }
fill() { build_go "$1" "github.com/versity/versitygw/cmd/versitygw@v$version"; }

run() {
    mkdir -p "$1/objects" "$1/attributes"
    exec "$place/versitygw" --access "${AWS_ACCESS_KEY_ID:-stoalocal}" --secret "${AWS_SECRET_ACCESS_KEY:-stoalocalsecret}" \
        --region "${AWS_REGION:-us-east-1}" --port "127.0.0.1:$2" --quiet posix --sidecar "$1/attributes" "$1/objects"
}

dispatch "$@"
