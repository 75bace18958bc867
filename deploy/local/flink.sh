#!/usr/bin/env bash
# A Flink session cluster bound to loopback: a job manager and one task manager, which is started again when it ends.
# `run DIR PORT` serves REST on PORT, takes PORT + 1, and keeps checkpoints in DIR/checkpoints; the task manager's
# process is DIR/taskmanager.pid. `submit PORT JAR [arguments]` starts a job, `cancel PORT JOB` ends it.
# STOA_FLINK_SLOTS: of the task manager, 4.
set -euo pipefail
name=flink title="Flink" version=1.20.3
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_place "fetching $title $version with Maven (about 180 MB)"; }
fill() {
    need java openjdk-17-jdk-headless
    fetch_jars "$1" "org.apache.flink:flink-clients:$version" "org.apache.flink:flink-runtime-web:$version" \
        "org.apache.flink:flink-statebackend-rocksdb:$version" org.apache.logging.log4j:log4j-slf4j-impl:2.24.3
}

opens=(--add-exports=java.base/sun.net.util=ALL-UNNAMED --add-exports=java.management/sun.management=ALL-UNNAMED
    --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED
    --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED
    --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
    --add-opens=java.base/java.text=ALL-UNNAMED --add-opens=java.base/java.time=ALL-UNNAMED
    --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED)

java_of() { # NAME MEMORY OPTION-OR-MAIN...
    local called=$1 memory=$2
    shift 2
    exec java "${opens[@]}" -XX:+UseSerialGC -Xmx"$memory" -Djava.awt.headless=true \
        "-Dlog4j2.configurationFile=$conf/log4j2.properties" "-Dlog.name=$called" -cp "$place/lib/*" "$@"
}

configuration() { # DIR PORT
    cat <<END
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: $(($2 + 1))
jobmanager.bind-host: 127.0.0.1
jobmanager.memory.process.size: 1g
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: $2
taskmanager.bind-host: 127.0.0.1
taskmanager.host: 127.0.0.1
taskmanager.numberOfTaskSlots: ${STOA_FLINK_SLOTS:-4}
taskmanager.cpu.cores: 2.0
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.heap.size: 640m
taskmanager.memory.task.off-heap.size: 0b
taskmanager.memory.network.min: 192m
taskmanager.memory.network.max: 192m
taskmanager.memory.managed.size: 384m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
heartbeat.interval: 5000
heartbeat.timeout: 60000
restart-strategy.exponential-delay.initial-backoff: 500ms
execution.checkpointing.dir: file://$1/checkpoints
execution.checkpointing.num-retained: 3
io.tmp.dirs: $1/tmp
classloader.check-leaked-classloader: false
END
}

# To standard error: warnings, and what a task dies of.
logging() {
    cat <<'END'
status = error
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d ${sys:log.name} %p %m (%c)%n%xEx{40}
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.kafka.name = org.apache.kafka
logger.kafka.level = error
END
}

keep_task_manager() { # DIR: until we are told to end
    while true; do
        (java_of taskmanager 768m -XX:MaxDirectMemorySize=384m -XX:MaxMetaspaceSize=256m \
            org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$conf") &
        worker=$!
        echo "$worker" >"$1/taskmanager.pid"
        wait "$worker" || echo "flink: the task manager ended with $?" >&2
        sleep 0.5
    done
}

run() { # DIR PORT
    conf=$1/conf
    mkdir -p "$conf" "$1/tmp" "$1/checkpoints"
    configuration "$1" "$2" >"$conf/config.yaml"
    logging >"$conf/log4j2.properties"
    (java_of jobmanager 512m org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$conf") &
    manager=$!
    (
        trap '[[ -z ${worker-} ]] || kill "$worker" 2>/dev/null; exit 0' TERM
        keep_task_manager "$1"
    ) &
    keeper=$!
    trap 'kill "$manager" "$keeper" 2>/dev/null; wait; exit 143' TERM INT
    wait "$manager"
    kill "$keeper"
    die "the job manager ended"
}

get() { # PORT PATH
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
    timeout 5 cat <&3
}

# It serves once a task manager has offered its slots.
ready() { # PORT
    local said
    said=$(get "$1" /overview) && [[ $said =~ \"taskmanagers\":[1-9] ]]
}

client() { # PORT VERB [arguments]
    local port=$1
    shift
    conf=$(mktemp -d)
    trap 'rm -rf "$conf"' EXIT
    printf 'rest.address: 127.0.0.1\nrest.port: %s\njobmanager.rpc.address: 127.0.0.1\n' "$port" >"$conf/config.yaml"
    logging >"$conf/log4j2.properties"
    # In a shell of its own: the folder goes when the client has ended.
    (FLINK_CONF_DIR=$conf java_of client 256m org.apache.flink.client.cli.CliFrontend "$@")
}

case ${1-} in
submit)
    install
    port=${2:?a port} jar=$(realpath "${3:?a jar}")
    shift 3
    client "$port" run -d "$jar" "$@"
    ;;
cancel)
    install
    client "${2:?a port}" cancel "${3:?a job}"
    ;;
*) dispatch "$@" ;;
esac
