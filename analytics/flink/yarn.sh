#!/usr/bin/env bash
# yarn.sh DIR: what the job brings to a YARN cluster, which has another Flink, or none, and an older Java. DIR/lib has the jars of
# Flink, DIR/java.tar.gz a Java 17 for x86-64 Linux, made of the one here. What is there already is kept.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's#.*<flink.version>\(.*\)</flink.version>.*#\1#p' "$here/pom.xml")
to=${1:?a directory}

die() {
    printf 'yarn.sh: %s\n' "$*" >&2
    exit 1
}

# Flink's distribution is in PyPI's package of it (230 MB); Maven's repositories have only its parts.
fetch_flink() {
    local work file
    python3 -c 'import pip' 2>/dev/null || die "pip is missing: install the Debian package python3-pip"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    printf 'yarn.sh: fetching Flink %s (PyPI: apache-flink-libraries)\n' "$version" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$work" "apache-flink-libraries==$version" ||
        die "PyPI has no apache-flink-libraries $version"
    mkdir -p "$to/lib.new"
    for file in flink-dist-"$version" log4j-api log4j-core log4j-slf4j-impl log4j-1.2-api; do
        tar -xzf "$work"/apache*flink*libraries-"$version".tar.gz -C "$to/lib.new" --strip-components=3 --wildcards "*/deps/lib/$file*.jar"
    done
    mv "$to/lib.new" "$to/lib"
}

make_java() {
    local jdk
    [[ $(uname -sm) == 'Linux x86_64' ]] || die "the cluster's machines are x86-64 Linux, this is $(uname -sm): run it on one, or in a container"
    command -v jlink >/dev/null || die "jlink is missing: install openjdk-17-jdk-headless"
    jdk=$(jlink --version)
    [[ $jdk == 17.* ]] || die "the job is for Java 17, jlink is $jdk: put that of openjdk-17-jdk-headless on the PATH"
    rm -rf "$to/java"
    jlink --add-modules java.se,jdk.crypto.ec,jdk.management,jdk.naming.dns,jdk.net,jdk.security.auth,jdk.unsupported,jdk.zipfs \
        --strip-debug --no-man-pages --no-header-files --compress=2 --output "$to/java"
    tar -czf "$to/java.new" -C "$to/java" .
    mv "$to/java.new" "$to/java.tar.gz"
    rm -rf "$to/java"
}

mkdir -p "$to"
[[ -f $to/lib/flink-dist-$version.jar ]] || {
    rm -rf "${to:?}/lib" "$to/lib.new"
    fetch_flink
}
[[ -f $to/java.tar.gz ]] || make_java
