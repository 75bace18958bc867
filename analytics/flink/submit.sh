#!/usr/bin/env bash
# Submits the Flink job to a Dataproc cluster as a YARN application of its own, named ecommerce-analytics. Images of Dataproc
# have Flink 1.17 or 2.2, and Java 11 or 21; the job is for Flink 1.20 and Java 17 and brings both: its jar, Flink's jars and a
# Java go into the bucket, checkpoints are there. Everything is checked before anything is done.
set -euo pipefail

usage() {
    cat <<'END'
analytics/flink/submit.sh --project=ID --region=NAME --cluster=NAME --bucket=NAME [options] -- --brokers=… [job arguments]

  --project=ID        Google Cloud project
  --region=NAME       of the cluster, as europe-west1
  --cluster=NAME      a Dataproc cluster; it needs no component for Flink
  --bucket=NAME       for the jar (jobs/), Flink and Java (flink/) and checkpoints (checkpoints/), without gs://
  --jar=FILE          default: build/flink/flink-analytics.jar
  --bundle=DIR        Flink's jars and a Java 17; made by analytics/flink/yarn.sh where it is not there
                      (default: build/flink/yarn)
  --savepoint=URI     gs://… of a savepoint or a retained checkpoint to go on from
  --slots=N           of each task manager (default: 2)
  --memory-mb=N       of each task manager's process (default: 4096)
  --dry-run           print the commands only
  --help

Job arguments: those of the jar (docs/analytics.md); the jar checks them before it is submitted. --checkpoint-dir is the
bucket's unless it is given.
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$(dirname "${BASH_SOURCE[0]}")/../submit.bash"
options='project region cluster bucket jar bundle savepoint slots memory-mb'
project='' region='' cluster='' bucket='' jar=$root/build/flink/flink-analytics.jar bundle=$root/build/flink/yarn
savepoint='' slots=2 memory_mb=4096
read_arguments "$@"
required project region cluster bucket
matching savepoint "$savepoint" 'gs://[a-z0-9].+' 'an address gs://…'
matching slots "$slots" '[1-9][0-9]?' 'a number from 1 to 99'
matching memory-mb "$memory_mb" '[1-9][0-9]{3,5}' 'at least 1000'
[[ -f $jar ]] || fail "--jar: there is no $jar; build it with: mvn -f analytics/flink/pom.xml package"
job_arguments checkpoints
command -v java >/dev/null || fail "java is missing: it checks the job's arguments (openjdk-17-jre-headless)"
java -cp "$jar" stoa.analytics.Arguments "${job[@]}" || exit 2
need_gcloud

version=$(sed -n 's#.*<flink.version>\(.*\)</flink.version>.*#\1#p' "$root/analytics/flink/pom.xml")
dist=flink-dist-$version.jar
((dry)) || [[ -f $bundle/lib/$dist && -f $bundle/java.tar.gz ]] || "$root/analytics/flink/yarn.sh" "$bundle"

jar_there=gs://$bucket/jobs/flink-analytics.jar there=gs://$bucket/flink/$version
do_it gcloud storage cp "$jar" "$jar_there" "--project=$project"
# By content: what is there already is not sent again.
do_it gcloud storage rsync "$bundle/lib" "$there/lib" "--project=$project" --checksums-only
do_it gcloud storage cp --no-clobber "$bundle/java.tar.gz" "$there/java.tar.gz" "--project=$project"

# Flink's own scripts say these to every Java that is newer than 11.
opens=
for each in java.net java.io java.nio java.lang java.lang.reflect java.text java.time java.util java.util.concurrent \
    java.util.concurrent.atomic java.util.concurrent.locks; do opens+=" --add-opens=java.base/$each=ALL-UNNAMED"; done
opens+=" --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-exports=java.base/sun.net.util=ALL-UNNAMED"
settings=(
    "yarn.application.name=ecommerce-analytics"
    "yarn.provided.lib.dirs=$there/lib"
    "yarn.ship-archives=$there/java.tar.gz"
    "containerized.master.env.JAVA_HOME=./java.tar.gz"
    "containerized.taskmanager.env.JAVA_HOME=./java.tar.gz"
    "env.java.opts.all=-Dorg.apache.logging.log4j.level=INFO$opens"
    "taskmanager.numberOfTaskSlots=$slots"
    "taskmanager.memory.process.size=${memory_mb}m"
    "jobmanager.memory.process.size=1600m"
)
[[ -z $savepoint ]] || settings+=("execution.savepoint.path=$savepoint")
do_it gcloud dataproc jobs submit hadoop "--project=$project" "--region=$region" "--cluster=$cluster" \
    --class=stoa.submit.OnYarn "--jars=$there/lib/$dist,$jar_there" --labels=job=ecommerce-analytics --async \
    -- "${settings[@]}" "$jar_there" "${job[@]}"
