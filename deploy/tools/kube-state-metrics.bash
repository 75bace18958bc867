# What the API server knows of Deployments, jobs and HPAs, as metrics: alerts on those are tried with the real thing.

build_wrapped() {
    wrap_programs "$1" kube-state-metrics -- .
}
