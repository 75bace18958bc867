#!/usr/bin/env bash
# Beside started engines (postgres dynamodb kafka s3): the Flink job with its unit tests, then every engine against the
# batch. Arguments go to pytest. STOA_DEV_PYTHON has requirements.txt; STOA_TEST_BINARY is the program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
deploy/local/flink.sh install
deploy/local/spark.sh install
mvn -q -B -f analytics/flink/pom.xml "-Dmaven.repo.local=${XDG_CACHE_HOME:-$HOME/.cache}/stoa/m2" package
exec "$STOA_DEV_PYTHON" -B -m pytest -p no:cacheprovider tests/analytics "$@"
