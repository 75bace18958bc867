#!/usr/bin/env bash
# changed.sh BASE: which areas a change touches, as name=true|false lines. Where BASE is nothing (a new branch), all of them.
set -euo pipefail
base=${1:-}
if [[ -z $base || $base =~ ^0+$ ]] || ! files=$(git diff --name-only "$base" HEAD 2>/dev/null); then
    printf '%s=true\n' program deploy terraform
    exit 0
fi
touches() { if grep -qE "$2" <<<"$files"; then echo "$1=true"; else echo "$1=false"; fi; }
touches program '^(src|web|api|cmake|tests|bench|analytics)/|^(CMakeLists\.txt|CMakePresets\.json|dev)$|^deploy/local/'
touches deploy '^(deploy|tests/(deploy|cluster|load)|api|\.github)/|^docs/operations\.md$|^dev$'
touches terraform '^deploy/terraform/'
