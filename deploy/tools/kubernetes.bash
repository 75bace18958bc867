# The API server, controller-manager and scheduler, from the Go module they are released as. A wrapper module is needed:
# k8s.io/kubernetes names its own parts (its "staging" modules) by folders that only its repository has.

build_wrapped() { build_kubernetes "$1" kube-apiserver kube-controller-manager kube-scheduler; }

# build_kubernetes WORK PROGRAM...
build_kubernetes() {
    local work=$1 source each replaces=()
    shift
    local -x GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0
    source=$(go mod download -json "$from@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    for each in $(sed -n 's|^\t\(k8s\.io/[a-z0-9-]*\) => \./staging/.*|\1|p' "$source/go.mod" | sort -u); do
        replaces+=("-replace=$each=$each@v0.${version#1.}")
    done
    mkdir -p "$work/module"
    (
        cd "$work/module"
        go mod init stoa.local/kubernetes
        go mod edit "-require=$from@v$version" "${replaces[@]}"
        cp "$source/go.sum" go.sum
        chmod u+w go.sum
        printf '//go:build tools\n\npackage tools\n\n' >tools.go
        for each in "$@"; do printf 'import _ "k8s.io/kubernetes/cmd/%s"\n' "$each" >>tools.go; done
        go mod tidy
        for each in "$@"; do
            go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version" \
                -o "$work/$each" "k8s.io/kubernetes/cmd/$each"
        done
    ) >"$work/build.log" 2>&1 || {
        tail -n 20 "$work/build.log" >&2
        die "the build failed"
    }
    rm -rf "$work/module"
}
