#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test.
#
#   tests/run.sh                 the release preset
#   tests/run.sh asan            another preset (debug, asan)
#   tests/run.sh release -R sse  further arguments go to ctest
#
# MODEL_SERVER_TEST_DATA names a folder of real tokenizers, templates and models;
# without it the tests that read it say that they skip.
set -euo pipefail
cd "$(dirname "$0")/.."
source deploy/packages.sh

preset=release
case "${1:-}" in
  debug | release | asan) preset=$1; shift ;;
esac
if [ -n "${MODEL_SERVER_TEST_DATA:-}" ]; then
  MODEL_SERVER_TEST_DATA="$(realpath "$MODEL_SERVER_TEST_DATA")"
  export MODEL_SERVER_TEST_DATA
fi

require_packages "${build_packages[@]}" libgtest-dev libgmock-dev python3 openssl
cmake --preset "$preset" -DMODEL_SERVER_TESTS=ON
cmake --build --preset "$preset" -j "$(build_jobs)"
exec ctest --preset "$preset" --no-tests=error "$@"
