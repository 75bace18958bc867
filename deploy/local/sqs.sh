#!/usr/bin/env bash
# elasticmq, a queue server that speaks SQS, on loopback. `run DIR PORT` keeps its queues and messages in DIR. It takes
# any credentials.
set -euo pipefail
name=sqs title="elasticmq" version=1.7.1
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_place "fetching $title $version with Maven (about 40 MB)"; }
fill() {
    need java openjdk-17-jdk-headless
    fetch_jars "$1" "org.elasticmq:elasticmq-server_2.13:$version"
}

run() {
    cat >"$1/elasticmq.conf" <<END
include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = $2, context-path = "" }
rest-sqs { enabled = true, bind-port = $2, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats.enabled = false
queues-storage { enabled = true, path = "$1/queues.conf" }
messages-storage { enabled = true, uri = "jdbc:h2:$1/messages" }
END
    exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx128m -Dconfig.file="$1/elasticmq.conf" \
        -cp "$place/lib/*" org.elasticmq.server.Main
}

dispatch "$@"
