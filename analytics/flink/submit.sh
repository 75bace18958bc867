#!/usr/bin/env bash
# Submits the Flink job to a Dataproc cluster that has the Flink component: the jar goes into the bucket, the job is
# named ecommerce-analytics, and its checkpoints are in the bucket. Everything is checked before anything is done.
set -euo pipefail

usage() {
    cat <<'END'
analytics/flink/submit.sh --project=ID --region=NAME --cluster=NAME --bucket=NAME [options] -- --brokers=… [job arguments]

  --project=ID        Google Cloud project
  --region=NAME       of the cluster, as europe-west1
  --cluster=NAME      a Dataproc cluster with the optional component FLINK
  --bucket=NAME       for the jar (jobs/) and checkpoints (checkpoints/), without gs://
  --jar=FILE          default: build/flink/flink-analytics.jar
  --savepoint=URI     gs://… of a savepoint or a retained checkpoint to go on from
  --dry-run           print the commands only
  --help

Job arguments: those of the jar (docs/analytics.md); the jar checks them before it is submitted. --checkpoint-dir is the
bucket's unless it is given.
END
}

fail() {
    printf 'submit.sh: %s\n' "$*" >&2
    exit 2
}

matching() { # NAME VALUE PATTERN WHAT
    [[ $2 =~ ^($3)$ ]] || fail "--$1: '$2' must be $4"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
project='' region='' cluster='' bucket='' jar=$root/build/flink/flink-analytics.jar savepoint='' dry=0 job=()
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
    --project=* | --region=* | --cluster=* | --bucket=* | --jar=* | --savepoint=*)
        word=${1%%=*} value=${1#*=}
        word=${word#--}
        [[ $seen != *" $word "* ]] || fail "--$word is given twice"
        seen+="$word "
        [[ -n $value ]] || fail "--$word needs a value"
        printf -v "$word" '%s' "$value"
        ;;
    *) fail "unknown argument '$1'; see --help" ;;
    esac
    shift
done

for each in project region cluster bucket; do
    [[ -n ${!each} ]] || fail "--$each is required; see --help"
done
matching project "$project" '[a-z][a-z0-9-]{4,28}[a-z0-9]' 'a project id'
matching region "$region" '[a-z]+-[a-z]+[0-9]{1,2}' 'a region such as europe-west1'
matching cluster "$cluster" '[a-z]([a-z0-9-]{0,49}[a-z0-9])?' 'a Dataproc cluster name'
matching bucket "$bucket" '[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]' 'a bucket name without gs://'
[[ -z $savepoint ]] || matching savepoint "$savepoint" 'gs://[a-z0-9].+' 'an address gs://…'
[[ -f $jar ]] || fail "--jar: there is no $jar; build it with: mvn -f analytics/flink/pom.xml package"
((${#job[@]} > 0)) || fail "the job's arguments are missing: … -- --brokers=HOST:PORT"
[[ " ${job[*]}" == *' --checkpoint-dir='* ]] || job+=("--checkpoint-dir=gs://$bucket/checkpoints")
command -v java >/dev/null || fail "java is missing: it checks the job's arguments (openjdk-17-jre-headless)"
java -cp "$jar" stoa.analytics.Arguments "${job[@]}" || exit 2
((dry)) || command -v gcloud >/dev/null || fail "gcloud is missing: install the Google Cloud CLI"

do_it() {
    if ((dry)); then
        printf '%q ' "$@"
        printf '\n'
    else
        "$@"
    fi
}

in_bucket=gs://$bucket/jobs/flink-analytics.jar
do_it gcloud storage cp "$jar" "$in_bucket" "--project=$project"
more=()
[[ -z $savepoint ]] || more=("--savepoint=$savepoint")
do_it gcloud dataproc jobs submit flink "--project=$project" "--region=$region" "--cluster=$cluster" "--jar=$in_bucket" \
    --labels=job=ecommerce-analytics --async "${more[@]}" -- "${job[@]}"
