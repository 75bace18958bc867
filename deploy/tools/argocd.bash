# Argo CD's one program, from its Go module; a wrapper module carries over the replacements of its go.mod.

build_wrapped() {
    local work=$1 source each
    local -x GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0
    source=$(go mod download -json "$from@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    mkdir -p "$work/module"
    (
        cd "$work/module"
        go mod init stoa.local/argocd
        go mod edit "-require=$from@v$version"
        sed -n '/^replace (/,/^)/p' "$source/go.mod" >>go.mod
        sed -n 's/^replace [^(]/&/p' "$source/go.mod" >>go.mod
        cp "$source/go.sum" go.sum
        chmod u+w go.sum
        printf '//go:build tools\n\npackage tools\n\nimport _ "%s/cmd/argocd-repo-server/commands"\n' "$from" >tools.go
        printf 'import _ "%s/cmd/argocd-application-controller/commands"\n' "$from" >>tools.go
        printf 'import _ "%s/cmd/argocd/commands"\n' "$from" >>tools.go
        go mod tidy
        go build -trimpath -ldflags '-s -w' -o "$work/argocd" "$from/cmd"
    ) >"$work/build.log" 2>&1 || {
        tail -n 20 "$work/build.log" >&2
        die "the build failed"
    }
    rm -rf "$work/module"
}
