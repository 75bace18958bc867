# Prometheus and promtool: Debian's have no Kubernetes in them. Release 2.55.1 is version 0.55.1 of the Go module.

build_wrapped() {
    wrap_programs "$1" prometheus promtool -- cmd/prometheus cmd/promtool
}
