# kube-state-metrics, in the version that the pinned chart kube-prometheus-stack brings.

build_wrapped() {
    wrap_programs "$1" kube-state-metrics -- .
}
