#!/usr/bin/env bash
# PostgreSQL 15 of Debian on loopback, for tests and for `./dev up --engines`.
#
#   install          says which Debian package is missing
#   run DIR PORT     in the foreground; all data below DIR, synced to disk as in production. SIGTERM waits for clients to
#                    leave, SIGINT sends them away
#   ready PORT       exit 0 once it answers
#   version
#
# The role `app` needs no password from this machine, every other one does. The server speaks TLS too: its authority is
# DIR/tls/ca.crt, which any client may read.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=/usr/lib/postgresql/15/bin

die() {
    printf 'postgres: %s\n' "$*" >&2
    exit 1
}

need_package() {
    [[ -x $bin/postgres ]] || die "the Debian package postgresql-15 is missing: apt-get install postgresql-15"
    command -v openssl >/dev/null || die "the Debian package openssl is missing: apt-get install openssl"
}

# The server refuses to run as root: then it runs as `postgres`, whom Debian's package makes.
as_owner() {
    if [[ $(id -u) == 0 ]]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

make_certificates() {
    local tls=$1
    as_owner mkdir -p "$tls"
    as_owner openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=stoa local authority" \
        -keyout "$tls/ca.key" -out "$tls/ca.crt" 2>/dev/null
    as_owner openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" -keyout "$tls/server.key" \
        -out "$tls/server.csr" 2>/dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' | as_owner tee "$tls/names" >/dev/null
    as_owner openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 3650 \
        -extfile "$tls/names" -out "$tls/server.crt" 2>/dev/null
    as_owner chmod 600 "$tls/server.key" "$tls/ca.key"
    as_owner chmod 755 "$tls"
}

make_cluster() {
    local dir=$1 fresh=$1/new
    rm -rf "$fresh"
    as_owner "$bin/initdb" -D "$fresh" -A trust -U app --no-locale -E UTF8 >/dev/null ||
        die "initdb failed in $dir"
    printf '%s\n' 'local all app trust' 'host all app 127.0.0.1/32 trust' 'host all all 127.0.0.1/32 scram-sha-256' |
        as_owner tee "$fresh/pg_hba.conf" >/dev/null
    mv "$fresh" "$dir/cluster"
}

run_server() {
    local dir=$1 port=$2
    need_package
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if [[ $(id -u) == 0 ]]; then
        chown postgres "$dir"
        chmod 755 "$dir"
    fi
    cd "$dir"
    [[ -d $dir/tls ]] || make_certificates "$dir/tls"
    [[ -d $dir/cluster ]] || make_cluster "$dir"
    local server=("$bin/postgres" -D "$dir/cluster" -p "$port" -c listen_addresses=127.0.0.1
        -c "unix_socket_directories=" -c max_connections=100 -c ssl=on -c "ssl_cert_file=$dir/tls/server.crt"
        -c "ssl_key_file=$dir/tls/server.key")
    # exec: the pid is the server's, and SIGTERM ends it.
    if [[ $(id -u) == 0 ]]; then exec setpriv --reuid=postgres --regid=postgres --init-groups "${server[@]}"; fi
    exec "${server[@]}"
}

case ${1:-} in
install) need_package ;;
run) run_server "${2:?run DIR PORT}" "${3:?run DIR PORT}" ;;
ready) "$bin/pg_isready" -q -h 127.0.0.1 -p "${2:?ready PORT}" ;;
version) "$bin/postgres" --version ;;
*) die "usage: $here/postgres.sh install | run DIR PORT | ready PORT | version" ;;
esac
