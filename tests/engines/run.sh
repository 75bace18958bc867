#!/usr/bin/env bash
# Beside started engines (./dev test engines): the ports' suites and each adapter's own tests, then the whole shop on
# them. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
code=0
ctest --test-dir build/dev --output-on-failure --no-tests=error --no-label-summary -L '^engines$' || code=1
"$STOA_DEV_PYTHON" -B -m pytest -p no:cacheprovider tests/engines "$@" || code=1
exit "$code"
