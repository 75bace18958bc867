#!/usr/bin/env bash
# Spark on loopback. `run DIR PORT`: a master (pages on PORT, its address is spark://127.0.0.1:PORT+1) and one worker.
# `submit FILE [arguments]`: the driver here and its executor in the same process, local[2], or as SPARK_MASTER says.
set -euo pipefail
name=spark title="Spark" version=3.5.9 kafka=3.5.7 # 3.5.9 of the Kafka source is not published
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

# The environment names the folder that it was made in, so that it is made in place; jars come behind it.
install() {
    [[ ! -f $place/jars/complete ]] || return 0
    need java openjdk-17-jdk-headless
    make_python "pyspark==$version" "installing $title $version (PyPI: pyspark, about 370 MB)"
    mkdir -p "$place/jars"
    fetch_jars "$place/jars" "org.apache.spark:spark-sql-kafka-0-10_2.12:$kafka"
    touch "$place/jars/complete"
}

jars() { # of the Kafka source that pyspark does not bring
    local found=() each
    for each in spark-sql-kafka spark-token-provider-kafka kafka-clients commons-pool2; do
        found+=("$(ls "$place/jars/lib/$each"*.jar)")
    done
    (IFS=,; echo "${found[*]}")
}

home() { echo "$place"/lib/python*/site-packages/pyspark; }

run() { # DIR PORT
    local master worker
    export SPARK_LOCAL_IP=127.0.0.1
    "$(home)/bin/spark-class" org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$(($2 + 1))" \
        --webui-port "$2" &
    master=$!
    "$(home)/bin/spark-class" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 --cores 2 --memory 1g \
        --webui-port 0 --work-dir "$1/work" "spark://127.0.0.1:$(($2 + 1))" &
    worker=$!
    trap 'kill "$master" "$worker" 2>/dev/null; wait; exit 143' TERM INT
    wait -n "$master" "$worker" || true
    kill "$master" "$worker" 2>/dev/null
    die "the master or the worker ended"
}

case ${1-} in
submit)
    install
    shift
    export SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON=$place/bin/python PYSPARK_DRIVER_PYTHON=$place/bin/python
    # Hadoop's other way with local files starts a process for each.
    files=org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager
    exec "$(home)/bin/spark-submit" --master "${SPARK_MASTER:-local[2]}" --jars "$(jars)" \
        --driver-memory "${SPARK_DRIVER_MEMORY:-1g}" --conf spark.ui.enabled=false \
        --conf "spark.sql.streaming.checkpointFileManagerClass=$files" \
        --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 "$@"
    ;;
*) dispatch "$@" ;;
esac
