#!/usr/bin/env bash
# Submits the Spark job: to Dataproc Serverless (runtime 2.2: Spark 3.5, Scala 2.13), or with --cluster to a Dataproc
# cluster. Its files go into the bucket, its checkpoints are there. Everything is checked before anything is done.
set -euo pipefail

usage() {
    cat <<'END'
analytics/spark/submit.sh --project=ID --region=NAME --bucket=NAME [options] -- --brokers=… [job arguments]

  --project=ID             Google Cloud project
  --region=NAME            as europe-west1
  --bucket=NAME            for the job's files (jobs/) and checkpoints (checkpoints/), without gs://
  --cluster=NAME           a Dataproc cluster instead of Dataproc Serverless
  --subnet=NAME            Serverless: the subnetwork to run in
  --service-account=MAIL   Serverless: who the job runs as
  --batch=NAME             Serverless: ecommerce-analytics and the time
  --dry-run                print the commands only
  --help

Job arguments: those of main.py (docs/analytics.md), checked before they are submitted. --checkpoint-dir is the bucket's
unless it is given.
END
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$(dirname "${BASH_SOURCE[0]}")/../submit.bash"
kafka_version=3.5.7
options='project region bucket cluster subnet service-account batch'
project='' region='' bucket='' cluster='' subnet='' service_account='' batch=''
read_arguments "$@"
required project region bucket
[[ -z $cluster || -z $subnet$service_account$batch ]] || fail "--subnet, --service-account and --batch go without --cluster"
matching subnet "$subnet" '[a-z]([a-z0-9-]{0,61}[a-z0-9])?' 'the name of a subnetwork'
matching service-account "$service_account" '[a-z0-9-]+@[a-z0-9.-]+' 'a mail address'
batch=${batch:-ecommerce-analytics-$(date -u +%Y%m%d-%H%M%S)}
matching batch "$batch" '[a-z0-9][a-z0-9-]{2,61}[a-z0-9]' '4 to 63 of a-z, 0-9 and -'
job_arguments checkpoints/spark
command -v python3 >/dev/null || fail "python3 is missing"
(cd "$here" && python3 -B -m stoa_analytics.arguments "${job[@]}") || exit 2
need_gcloud

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -B "$here/package.py" "$work/stoa_analytics.zip"
jobs=gs://$bucket/jobs/spark
do_it gcloud storage cp "$here/main.py" "$work/stoa_analytics.zip" "$jobs/" "--project=$project"
common=("$jobs/main.py" "--project=$project" "--region=$region" "--py-files=$jobs/stoa_analytics.zip" --labels=job=ecommerce-analytics)
if [[ -n $cluster ]]; then
    do_it gcloud dataproc jobs submit pyspark "${common[@]}" "--cluster=$cluster" --async \
        "--properties=spark.jars.packages=org.apache.spark:spark-sql-kafka-0-10_2.12:$kafka_version" -- "${job[@]}"
else
    more=()
    [[ -z $subnet ]] || more+=("--subnet=$subnet")
    [[ -z $service_account ]] || more+=("--service-account=$service_account")
    do_it gcloud dataproc batches submit pyspark "${common[@]}" "--batch=$batch" --version=2.2 --async "${more[@]}" \
        "--properties=spark.jars.packages=org.apache.spark:spark-sql-kafka-0-10_2.13:$kafka_version" -- "${job[@]}"
fi
