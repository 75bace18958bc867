#!/usr/bin/env bash
# What `./dev deploy` does (./dev deploy --help). Services come to a cluster by Argo CD from Git; nothing here applies their
# manifests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf 'deploy: %s\n' "$*" >&2
    exit 1
}
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }
overlay() {
    local path=deploy/kubernetes/${1:?an overlay, as overlays/prod or observability/prod}
    [[ -f $path/kustomization.yaml ]] ||
        die "no overlay '$1'; there are: $(cd deploy/kubernetes && printf '%s ' overlays/* observability/*)"
    printf '%s\n' "$path"
}
where() { kubectl config current-context 2>/dev/null || die "kubectl has no context: aws eks update-kubeconfig, or gcloud container clusters get-credentials"; }

render() { kubectl kustomize "$(overlay "$@")"; }

check() {
    local path
    path=$(overlay "$@")
    printf 'Asking the cluster of context %s; nothing is changed.\n' "$(where)" >&2
    kubectl kustomize "$path" | kubectl apply --server-side --dry-run=server --validate=strict --field-manager=argocd-controller -f -
}

# The file has lines NAMESPACE/SECRET/KEY=VALUE; @path takes the content of a file. What is made of them goes to kubectl by a pipe:
# whoever is on this machine reads the words of a command, but not what it is sent.
secrets() {
    local file=${1:-deploy/secrets}
    [[ -f $file ]] || die "there is no $file: copy deploy/secrets.example, fill it in, and keep it out of Git"
    where >/dev/null
    python3 -B deploy/secrets.py --check "$file"
    python3 -B deploy/secrets.py --namespaces "$file" | while IFS= read -r namespace; do
        kubectl create namespace "$namespace" --dry-run=client -o yaml </dev/null | kubectl apply -f - >/dev/null
    done
    python3 -B deploy/secrets.py "$file" | kubectl apply --server-side -f -
}

# terraform_root CLOUD ENVIRONMENT: checks both.
terraform_root() {
    local root=deploy/terraform/${1:-}
    [[ -n ${1:-} && -d $root/environments ]] ||
        die "no cloud '${1:-}'; there are: $(cd deploy/terraform && for each in */environments; do printf '%s ' "${each%/*}"; done)"
    [[ -n ${2:-} && -f $root/environments/$2.tfvars ]] ||
        die "no environment '${2:-}' of $1; there are: $(cd "$root/environments" && for each in *.tfvars; do printf '%s ' "${each%.tfvars}"; done)"
    need terraform "see its own installation guide"
    printf '%s\n' "$root"
}
# plan CLOUD ENVIRONMENT: the state of that environment, and its variables.
plan() {
    local root
    root=$(terraform_root "$@")
    terraform -chdir="$root" init -input=false -reconfigure -backend-config="environments/$2.backend.hcl"
    terraform -chdir="$root" plan -input=false -var-file="environments/$2.tfvars" -out="$2.tfplan"
}
infrastructure() {
    local root answer
    root=$(terraform_root "$@")
    plan "$@"
    read -r -p "Apply this plan? Only 'yes' does: " answer
    [[ $answer == yes ]] || die "nothing was applied"
    terraform -chdir="$root" apply -input=false "$2.tfplan"
    terraform -chdir="$root" output
    printf 'Next: write the outputs into deploy/kubernetes/overlays/<environment>/cluster.env, commit, and ./dev deploy gitops\n'
}

gitops() {
    local environment=${1:-} path=deploy/argocd/apps
    [[ -z $environment ]] || path=deploy/argocd/environments/$environment
    [[ -d $path ]] || die "no environment '$environment'; there are: $(cd deploy/argocd/environments && printf '%s ' *)"
    printf 'Argo CD comes to the cluster of context %s\n' "$(where)"
    kubectl apply --server-side --force-conflicts -k deploy/argocd/install
    kubectl wait --for=condition=Established crd/applications.argoproj.io crd/appprojects.argoproj.io --timeout=120s
    kubectl rollout status -n argocd deployment/argocd-repo-server --timeout=300s
    kubectl apply --server-side -k deploy/argocd/projects
    sed "s#path: deploy/argocd/apps#path: $path#" deploy/argocd/root.yaml | kubectl apply --server-side -f -
    kubectl wait -n argocd application/ecommerce-app-of-apps --for=jsonpath='{.status.sync.status}'=Synced --timeout=600s
    kubectl get applications -n argocd
}

images() {
    local registry=${1:?a registry, as 111122223333.dkr.ecr.us-east-1.amazonaws.com} # before minutes of building
    ./dev image
    ./dev image push "$registry"
}

observability() {
    local each
    for each in prometheus alertmanager grafana blackbox-exporter; do
        kubectl rollout status -n monitoring "deployment/$each" --timeout=300s
    done
    kubectl rollout status -n monitoring statefulset/loki --timeout=300s
    printf '%s\n' 'Grafana: kubectl port-forward -n monitoring service/grafana 3000:3000, then http://localhost:3000' \
        'Prometheus: kubectl port-forward -n monitoring service/prometheus 9090:9090, then http://localhost:9090'
}

analytics() {
    local job=${1:?a job: flink or spark}
    [[ -x analytics/$job/submit.sh ]] || die "no job '$job': flink or spark"
    shift
    "analytics/$job/submit.sh" "$@"
}

load() {
    local url=${1:?the address of a gateway, as http://localhost:8080} k6
    shift
    deploy/tools/tool.sh install k6
    k6=$(deploy/tools/tool.sh path k6)/k6
    "$k6" run "$@" --env "BASE_URL=$url" tests/load/load-test.js
    printf 'Now the audit: kubectl create job -n ecommerce --from=cronjob/audit audit-after-load, or `stoa audit` beside the shop\n'
}

# A pull request that pins an image: what makes a deployment is a person who merges it.
propose() {
    local overlay=${1:?an overlay} digest=${2:?a digest} branch
    need gh "GitHub's command line"
    branch=deploy-$overlay-${digest:7:12}
    git switch --create "$branch"
    deploy/image/image.sh pin "$overlay" "$digest"
    git -c user.name=release -c user.email=release@users.noreply.github.com commit --quiet -m "deploy: $overlay runs ${digest:0:19}" deploy/kubernetes/overlays
    # A run that is repeated finds both there.
    git push --quiet --force --set-upstream origin "$branch"
    gh pr view "$branch" >/dev/null 2>&1 || gh pr create --fill --base main
}

case ${1-} in
render | check | secrets | plan | infrastructure | gitops | images | observability | analytics | load | propose) "$@" ;;
*)
    printf 'deploy: %s; ./dev deploy --help lists what there is\n' "$([[ -n ${1-} ]] && echo "there is no '$1'" || echo "say what")" >&2
    exit 2
    ;;
esac
