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

fail() {
    printf 'submit.sh: %s\n' "$*" >&2
    exit 2
}

matching() { # NAME VALUE PATTERN WHAT
    [[ $2 =~ ^($3)$ ]] || fail "--$1: '$2' must be $4"
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kafka_version=3.5.7
project='' region='' bucket='' cluster='' subnet='' service_account='' batch='' dry=0 job=()
seen=' '
while (($# > 0)); do
    case $1 in
    --help) usage; exit 0 ;;
    --dry-run) dry=1 ;;
    --)
        shift
        job=("$@")
        break
        ;;
    --project=* | --region=* | --bucket=* | --cluster=* | --subnet=* | --service-account=* | --batch=*)
        word=${1%%=*} value=${1#*=}
        word=${word#--}
        [[ $seen != *" $word "* ]] || fail "--$word is given twice"
        seen+="$word "
        [[ -n $value ]] || fail "--$word needs a value"
        printf -v "${word//-/_}" '%s' "$value"
        ;;
    *) fail "unknown argument '$1'; see --help" ;;
    esac
    shift
done

for each in project region bucket; do
    [[ -n ${!each} ]] || fail "--$each is required; see --help"
done
matching project "$project" '[a-z][a-z0-9-]{4,28}[a-z0-9]' 'a project id'
matching region "$region" '[a-z]+-[a-z]+[0-9]{1,2}' 'a region such as europe-west1'
matching bucket "$bucket" '[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]' 'a bucket name without gs://'
if [[ -n $cluster ]]; then
    matching cluster "$cluster" '[a-z]([a-z0-9-]{0,49}[a-z0-9])?' 'a Dataproc cluster name'
    [[ -z $subnet$service_account$batch ]] || fail "--subnet, --service-account and --batch go without --cluster"
fi
[[ -z $subnet ]] || matching subnet "$subnet" '[a-z]([a-z0-9-]{0,61}[a-z0-9])?' 'the name of a subnetwork'
[[ -z $service_account ]] || matching service-account "$service_account" '[a-z0-9-]+@[a-z0-9.-]+' 'a mail address'
batch=${batch:-ecommerce-analytics-$(date -u +%Y%m%d-%H%M%S)}
matching batch "$batch" '[a-z0-9][a-z0-9-]{2,61}[a-z0-9]' '4 to 63 of a-z, 0-9 and -'
((${#job[@]} > 0)) || fail "the job's arguments are missing: … -- --brokers=HOST:PORT"
[[ " ${job[*]}" == *' --checkpoint-dir='* ]] || job+=("--checkpoint-dir=gs://$bucket/checkpoints/spark")
command -v python3 >/dev/null || fail "python3 is missing"
(cd "$here" && python3 -B -m stoa_analytics.arguments "${job[@]}") || exit 2
((dry)) || command -v gcloud >/dev/null || fail "gcloud is missing: install the Google Cloud CLI"

do_it() {
    if ((dry)); then
        printf '%q ' "$@"
        printf '\n'
    else
        "$@"
    fi
}

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
