#!/usr/bin/env bash
# Builds the fuzzers and runs them one after the other.
#
#   tests/fuzz/run.sh                     each for an hour
#   tests/fuzz/run.sh 60                  each for 60 seconds
#   tests/fuzz/run.sh 600 gguf config     these two for ten minutes each
#
# What they find lies in build/fuzz/found/, what they have learnt in
# build/fuzz/learnt/, from which the next run goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/packages.sh

seconds=${1:-3600}
names=("${@:2}")
all=$(sed -n 's/^FUZZ_HARNESS(\(.*\)).*/\1/p' tests/fuzz/harnesses.def)
[ ${#names[@]} -gt 0 ] || mapfile -t names <<<"$all"

# The most that one allocation may take, in megabytes: what is made of a small
# file, whatever it says.
most_at_once() {
  case $1 in
  gguf | config) echo 64 ;;
  *) echo 16 ;;
  esac
}

require_packages "${build_packages[@]}" "${fuzz_packages[@]}"
cmake --preset fuzz
cmake --build --preset fuzz -j "$(build_jobs)" --target "${names[@]/#/fuzz_}"
mkdir -p build/fuzz/found

# The files that the harnesses write should stay in memory.
[ -d /dev/shm ] && export TMPDIR=${TMPDIR:-/dev/shm}
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=16:detect_stack_use_after_return=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
status=0
for name in "${names[@]}"; do
  mkdir -p "build/fuzz/learnt/$name"
  dictionary=tests/fuzz/dictionaries/$name.dict
  options=(-max_total_time="$seconds" -max_len=16384 -timeout=10
    -malloc_limit_mb="$(most_at_once "$name")" -rss_limit_mb=1024
    -artifact_prefix="build/fuzz/found/$name-" -print_final_stats=1)
  [ ! -f "$dictionary" ] || options+=(-dict="$dictionary")
  echo "== $name"
  "build/fuzz/tests/fuzz/programs/fuzz_$name" "${options[@]}" \
    "build/fuzz/learnt/$name" "tests/fuzz/corpus/$name" || status=1
done
exit $status
