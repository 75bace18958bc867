# What the submit scripts of the jobs share: arguments, their checks, and commands that are only shown with --dry-run. A script
# sets `options` (words that it takes besides --help, --dry-run and the job's after --), defines usage(), and calls
# read_arguments "$@"; then each option is a variable (with _ for -), `dry` is 0 or 1, and `job` has the job's arguments.

fail() {
    printf 'submit.sh: %s\n' "$*" >&2
    exit 2
}

# matching NAME VALUE PATTERN WHAT; an option without a value is not looked at.
matching() {
    [[ -z $2 || $2 =~ ^($3)$ ]] || fail "--$1: '$2' must be $4"
}

read_arguments() {
    local word value seen=' '
    dry=0 job=()
    while (($# > 0)); do
        word=${1%%=*} value=${1#*=}
        word=${word#--}
        case $1 in
        --help)
            usage
            exit 0
            ;;
        --dry-run) dry=1 ;;
        --)
            shift
            job=("$@")
            break
            ;;
        --*=*)
            [[ " $options " == *" $word "* ]] || fail "unknown argument '$1'; see --help"
            [[ $seen != *" $word "* ]] || fail "--$word is given twice"
            seen+="$word "
            [[ -n $value ]] || fail "--$word needs a value"
            printf -v "${word//-/_}" '%s' "$value"
            ;;
        *) fail "unknown argument '$1'; see --help" ;;
        esac
        shift
    done
}

# required NAME…, and where it is: the same for every job.
required() {
    local each
    for each in "$@"; do [[ -n ${!each} ]] || fail "--$each is required; see --help"; done
    matching project "$project" '[a-z][a-z0-9-]{4,28}[a-z0-9]' 'a project id'
    matching region "$region" '[a-z]+-[a-z]+[0-9]{1,2}' 'a region such as europe-west1'
    matching cluster "$cluster" '[a-z]([a-z0-9-]{0,49}[a-z0-9])?' 'a Dataproc cluster name'
    matching bucket "$bucket" '[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]' 'a bucket name without gs://'
}

# job_arguments FOLDER: there are some, and checkpoints have a place in the bucket.
job_arguments() {
    ((${#job[@]} > 0)) || fail "the job's arguments are missing: … -- --brokers=HOST:PORT"
    [[ " ${job[*]}" == *' --checkpoint-dir='* ]] || job+=("--checkpoint-dir=gs://$bucket/$1")
}

need_gcloud() {
    ((dry)) || command -v gcloud >/dev/null || fail "gcloud is missing: install the Google Cloud CLI"
}

do_it() {
    if ((dry)); then
        printf '%q ' "$@"
        printf '\n'
    else
        "$@"
    fi
}
