#!/usr/bin/env bash
# What checks the Terraform of deploy/terraform without a cloud: tflint, checkov, the providers' bindings, and the program
# that serves their schemas. Terraform itself is taken from the PATH: no registry of packages has it.
set -euo pipefail
name=terraform title="Terraform's checks" version=3
tflint=0.64.0 checkov=3.3.30
# Of the providers aws 5.99.1, google 6.37.0 and 5.43.1, and helm 2.17.0.
bindings=(@cdktf/provider-aws@19.65.1 @cdktf/provider-google@14.36.0 @cdktf/provider-google@13.32.1 @cdktf/provider-helm@10.5.0)
published=1.19.0
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
provider=$here/../../tests/terraform/provider

# checkov's programs name the folder that they were made in, so that it is made in place.
install() {
    if [[ ! -f $place/complete ]]; then
        need npm npm
        make_tools
    fi
    make_provider
    fetch_published
    find_terraform
}

make_tools() {
    python3 -c 'import venv, ensurepip' 2>/dev/null || die "python3's venv is missing: install the Debian package python3-venv"
    printf '%s: installing tflint %s (Go), checkov %s (PyPI) and the providers'\'' bindings (npm, 90 MB) into %s\n' \
        "$name" "$tflint" "$checkov" "$place"
    rm -rf "$place"
    mkdir -p "$place/bindings"
    (cd "$place/bindings" && npm pack --silent "${bindings[@]}" >/dev/null)
    build_go "$place" "github.com/terraform-linters/tflint@v$tflint"
    python3 -m venv "$place/python"
    "$place/python/bin/python" -m pip install --quiet --disable-pip-version-check "checkov==$checkov"
    touch "$place/complete"
}

# Again where its source has changed.
make_provider() {
    local key
    key=$(cat "$provider"/*.go "$provider"/go.* | cksum)
    [[ $(cat "$place/schema-provider.key" 2>/dev/null) != "$key" ]] || return 0
    printf '%s: building the schema provider\n' "$name"
    (cd "$provider" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go build -ldflags '-s -w' -o "$place/schema-provider.new" .)
    mv "$place/schema-provider.new" "$place/schema-provider"
    printf '%s' "$key" >"$place/schema-provider.key"
}

# What AWS publishes for EKS: the charts of controllers in versions that go together, and the policies of their roles.
fetch_published() {
    [[ ! -d $place/published-$published ]] || return 0
    need npm npm
    printf '%s: fetching the published policies of controllers (npm: @aws-quickstart/eks-blueprints %s)\n' "$name" "$published"
    rm -rf "$place/published.new"
    mkdir -p "$place/published.new"
    (cd "$place/published.new" && npm pack --silent "@aws-quickstart/eks-blueprints@$published" >/dev/null && tar -xzf ./*.tgz package/dist/addons && rm ./*.tgz)
    mv "$place/published.new" "$place/published-$published"
}

find_terraform() {
    local found number
    found=$(command -v terraform) ||
        die "terraform is missing: put Terraform 1.11 or newer on the PATH (HashiCorp's package repository or download page)"
    number=$(TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1 "$found" version | sed -n '1s/^Terraform v//p')
    [[ $(printf '%s\n' 1.11.0 "$number" | sort -V | head -n 1) == 1.11.0 ]] ||
        die "Terraform $number is too old: 1.11 or newer is needed (tests with providers that are not there, locks of S3)"
    ln -sfn "$found" "$place/terraform"
}

case ${1-} in
install) install_once ;;
where) echo "$place" ;;
version) version ;;
*)
    echo "usage: terraform.sh install | where | version" >&2
    exit 2
    ;;
esac
