#!/usr/bin/env bash
# stripe-mock, Stripe's own stand-in for its API: checks every request against Stripe's published OpenAPI document and
# answers with fixtures. It keeps nothing: an intent that was made cannot be found again, nothing is ever declined, and
# keys are not compared. `run DIR PORT` serves http on PORT and https on PORT + 1.
set -euo pipefail
name=stripe title="stripe-mock" version=0.203.0
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_place "building $title $version from its Go module (some 15 seconds)"; }
fill() { build_go "$1" "github.com/stripe/stripe-mock@v$version"; }

# Both addresses are named: one that is not is opened on every interface.
run() {
    exec "$place/stripe-mock" -http-addr "127.0.0.1:$2" -https-addr "127.0.0.1:$(($2 + 1))" -strict-version-check=false
}

dispatch "$@"
