# Alertmanager and amtool: Debian's are too old to read addresses from files.

build_wrapped() {
    wrap_programs "$1" alertmanager amtool -- cmd/alertmanager cmd/amtool
}
