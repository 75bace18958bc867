#!/usr/bin/env bash
# run.sh NAME SECONDS [libFuzzer's options]: one fuzzer, quiet unless it finds something. Called by ./dev test fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
name=$1 seconds=$2
shift 2

program=build/fuzz/fuzz/fuzz_$name
kept=tests/fuzz/corpus/$name
log=build/fuzz/$name.log
found=build/fuzz/found/$name
# A short run asks whether what was found before is still mended, and begins alike everywhere; a long one explores.
if ((seconds > 10)); then
    found=$STOA_DEV_CACHE/fuzz/$name
    seed=0
else
    rm -rf "$found"
    seed=1
fi
mkdir -p "$found"
[[ -d $kept ]] || {
    printf 'fuzz %s: has no corpus; put inputs that it should begin with into %s\n' "$name" "$kept" >&2
    exit 1
}

# What stands behind a length or a checksum is found from the corpus; longer inputs only cost time.
if "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 -seed="$seed" \
    -artifact_prefix="build/fuzz/$name-" "$@" "$found" "$kept" >"$log" 2>&1; then
    printf 'fuzz %s: %s inputs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    exit 0
fi
grep -aE 'does not hold|ERROR: |runtime error|^    #[0-9]+ .*src/|^SUMMARY' "$log" | head -n 20 >&2
input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
printf 'fuzz %s: FAILED, see %s\n' "$name" "$log" >&2
[[ -z $input ]] || printf 'repeat: %s %s\nkeep it, once mended, in %s\n' "$program" "$input" "$kept" >&2
exit 1
