# kubectl, where the machine has none: of the same module as the control plane.

build_wrapped() {
    source "$here/kubernetes.bash"
    build_kubernetes "$1" kubectl
}
