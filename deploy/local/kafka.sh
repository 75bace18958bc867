#!/usr/bin/env bash
# One Kafka node (KRaft: broker and controller in one), bound to loopback. `run DIR PORT` takes PORT and PORT + 1 and
# keeps everything in DIR; `run DIR PORT FILE` adds FILE's lines to the broker's properties, later ones winning.
# STOA_KAFKA_FORMAT holds further words for the formatting of a new DIR (--add-scram …), STOA_KAFKA_JAVA a source file
# whose classes the broker is to find.
set -euo pipefail
name=kafka title="Kafka" version=4.1.2
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
cluster=c3RvYS1sb2NhbC1rYWZrYQ
jvm=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Djava.awt.headless=true)

install() { make_place "fetching $title $version with Maven (about 60 MB)"; }
fill() {
    need java openjdk-17-jdk-headless
    fetch_jars "$1" "org.apache.kafka:kafka_2.13:$version" "org.apache.kafka:kafka-tools:$version" \
        org.apache.logging.log4j:log4j-slf4j-impl:2.25.3
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
    properties "$1" "$2" >"$1/server.properties"
    [[ -z ${3-} ]] || cat "$3" >>"$1/server.properties"
    logging >"$1/log4j2.yaml"
    local classes=$place/lib/*
    if [[ -n ${STOA_KAFKA_JAVA-} ]]; then
        need javac openjdk-17-jdk-headless
        javac -cp "$place/lib/*" -d "$1/classes" "$STOA_KAFKA_JAVA"
        classes+=:$1/classes
    fi
    if [[ ! -f $1/logs/meta.properties ]]; then
        # shellcheck disable=SC2086 # words
        java "${jvm[@]}" -cp "$place/lib/*" kafka.tools.StorageTool format -t "$cluster" \
            -c "$1/server.properties" ${STOA_KAFKA_FORMAT-} >"$1/format.log" 2>&1 ||
            { cat "$1/format.log" >&2; exit 1; }
    fi
    exec java "${jvm[@]}" -Xms256m -Xmx512m "-Dlog4j2.configurationFile=$1/log4j2.yaml" \
        -cp "$classes" kafka.Kafka "$1/server.properties"
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

dispatch "$@"
