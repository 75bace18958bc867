#!/usr/bin/env bash
# elasticmq, a queue server that speaks SQS, on loopback. `run DIR PORT` keeps its queues and messages in DIR. It takes
# any credentials.
set -euo pipefail

version=1.7.1
place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/sqs-$version

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || { echo "sqs: $1 is missing: install the Debian package $2" >&2; exit 1; }
}

install() {
    [[ ! -f $place/complete ]] || return 0
    need java openjdk-17-jre-headless
    need mvn maven
    echo "sqs: fetching elasticmq $version with Maven (about 40 MB) into $place"
    work=$place.$$
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT  # a failed install leaves nothing
    cat >"$work/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stoa</groupId><artifactId>elasticmq</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
END
    mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
    touch "$work/complete"
    rm -rf "$place"
    mv "$work" "$place"
}

run() {
    install
    mkdir -p "$1"
    cat >"$1/elasticmq.conf" <<END
include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = $2, context-path = "" }
rest-sqs { enabled = true, bind-port = $2, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats.enabled = false
queues-storage { enabled = true, path = "$1/queues.conf" }
messages-storage { enabled = true, uri = "jdbc:h2:$1/messages" }
END
    cd "$1"
    exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx128m -Dconfig.file="$1/elasticmq.conf" \
        -cp "$place/lib/*" org.elasticmq.server.Main
}

# Any answer will do.
ready() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
    read -r -t 2 line <&3 && [[ $line == HTTP/1.* ]]
}

case ${1-} in
install) install ;;
run) run "$(realpath -m "${2:?a directory}")" "${3:?a port}" ;;
ready) ready "${2:?a port}" 2>/dev/null ;;
version) echo "elasticmq $version" ;;
*) echo "usage: sqs.sh install | run DIR PORT | ready PORT | version" >&2; exit 2 ;;
esac
