#!/usr/bin/env bash
# One Kafka node (KRaft: broker and controller in one), bound to loopback. `run DIR PORT` takes PORT and PORT + 1 and
# keeps everything in DIR; `run DIR PORT FILE` adds FILE's lines to the broker's properties, later ones winning.
# STOA_KAFKA_FORMAT holds further words for the formatting of a new DIR (--add-scram …).
set -euo pipefail

version=4.1.2
place=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/engines/kafka-$version
cluster=c3RvYS1sb2NhbC1rYWZrYQ
jvm=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Djava.awt.headless=true)

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || { echo "kafka: $1 is missing: install the Debian package $2" >&2; exit 1; }
}

install() {
    [[ ! -f $place/complete ]] || return 0
    need java openjdk-17-jdk-headless
    need mvn maven
    echo "kafka: fetching Kafka $version with Maven (about 60 MB) into $place"
    work=$place.$$
    rm -rf "$work"
    mkdir -p "$work"
    trap 'rm -rf "$work"' EXIT  # a failed install leaves nothing
    cat >"$work/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stoa</groupId><artifactId>kafka-local</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.3</version></dependency>
  </dependencies>
</project>
END
    mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$work/lib"
    touch "$work/complete"
    rm -rf "$place"
    mv "$work" "$place"
}

# Topics are made by `stoa migrate`, never by who writes to them first. Internal topics have one replica, as there is
# one node; a group does not wait for more members before its first assignment.
properties() { # DIR PORT
    cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($2 + 1))
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$(($2 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$2
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$1/logs
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
END
}

# Kafka's own logging says what a start that fails dies of, and nothing of what goes well.
logging() {
    cat <<'END'
Configuration:
  status: error
  Appenders:
    Console: {name: out, target: SYSTEM_ERR, PatternLayout: {pattern: "%d %p %m (%c)%n"}}
  Loggers:
    Root: {level: warn, AppenderRef: [{ref: out}]}
END
}

run() { # DIR PORT [FILE]
    install
    mkdir -p "$1"
    properties "$1" "$2" >"$1/server.properties"
    [[ -z ${3-} ]] || cat "$3" >>"$1/server.properties"
    logging >"$1/log4j2.yaml"
    if [[ ! -f $1/logs/meta.properties ]]; then
        # shellcheck disable=SC2086 # words
        java "${jvm[@]}" -cp "$place/lib/*" kafka.tools.StorageTool format -t "$cluster" \
            -c "$1/server.properties" ${STOA_KAFKA_FORMAT-} >"$1/format.log" 2>&1 ||
            { cat "$1/format.log" >&2; exit 1; }
    fi
    cd "$1"
    exec java "${jvm[@]}" -Xms256m -Xmx512m "-Dlog4j2.configurationFile=$1/log4j2.yaml" \
        -cp "$place/lib/*" kafka.Kafka "$1/server.properties"
}

# It serves once it names a broker (itself) to who asks for metadata (version 0, every topic).
ready() { # PORT
    local said
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf '\x00\x00\x00\x0e\x00\x03\x00\x00\x00\x00\x00\x01\xff\xff\x00\x00\x00\x00' >&3
    said=$(timeout 2 head -c 12 <&3 | od -An -v -tu1 | tr -s ' \n' ' ')
    # size, correlation id, number of brokers
    [[ $said =~ ^\ [0-9]+\ [0-9]+\ [0-9]+\ [0-9]+\ 0\ 0\ 0\ 1\ 0\ 0\ 0\ [1-9] ]]
}

case ${1-} in
install) install ;;
run) run "$(realpath -m "${2:?a directory}")" "${3:?a port}" "${4-}" ;;
ready) ready "${2:?a port}" 2>/dev/null ;;
version) echo "Kafka $version" ;;
*) echo "usage: kafka.sh install | run DIR PORT [PROPERTIES] | ready PORT | version" >&2; exit 2 ;;
esac
