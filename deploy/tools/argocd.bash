# Argo CD's one program, whose name says what it is: repo-server, application-controller, command line.

build_wrapped() {
    wrap_programs "$1" argocd -- cmd
}
