# Resources that are not Kubernetes' own, from the Go modules that define them, and the schemas of all as JSON Schema for
# kubeconform: strict, so that a misspelt field is an error and not ignored.

build_wrapped() {
    local work=$1 each source
    local -x GOTOOLCHAIN=local
    mkdir -p "$work/crds" "$work/install" "$work/module"
    module_of() { (cd "$work/module" && go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'); }
    (cd "$work/module" && go mod init stoa.local/crds 2>/dev/null)
    for each in github.com/argoproj/argo-cd/v3@v3.2.1:manifests/crds \
        github.com/external-secrets/external-secrets@v1.3.2:config/crds/bases \
        github.com/prometheus-operator/prometheus-operator@v0.85.0:example/prometheus-operator-crd; do
        source=$(module_of "${each%:*}")
        find "$source/${each#*:}" -name '*.yaml' ! -name kustomization.yaml -exec cp {} "$work/crds/" \;
        # Argo CD's own installation, as our kustomization takes it from its repository.
        # The chart of External Secrets; what it depends on is for one store, switched off, and in another repository.
        if [[ $each == *external-secrets* ]]; then
            cp -r "$source/deploy/charts/external-secrets" "$work/install/"
            chmod -R u+w "$work/install"
            rm "$work/install/external-secrets/Chart.lock"
            sed -i '/^dependencies:/,/^[^ -]/{/^dependencies:/d;/^[ -]/d}' "$work/install/external-secrets/Chart.yaml"
        fi
        [[ $each != *argo-cd* ]] || cp "$source/manifests/install.yaml" "$work/install/argocd.yaml"
    done
    cp "$here/target-group-binding.yaml" "$here/frontend-config.yaml" "$work/crds/"
    source=$(module_of k8s.io/kubernetes@v1.34.4)
    cp "$source/api/openapi-spec/swagger.json" "$work/swagger.json"
    chmod -R u+w "$work"
    rm -rf "$work/module"
    python3 -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check PyYAML==6.0.2
    "$work/venv/bin/python" -B "$here/schemas.py" "$work/swagger.json" "$work/crds" "$work/schemas"
    rm -rf "$work/venv" "$work/swagger.json"
}
