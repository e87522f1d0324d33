#!/usr/bin/env bash
# Installs what is needed, builds, and starts the server.
#
#   deploy/run.sh                       tiny-chat on the CPU, port 9999
#   deploy/run.sh PROGRAM ARGUMENTS...  anything else, as build/release/model_api
#
# A second call builds only what has changed and starts at once. The program
# starts in the folder of the caller: paths in its arguments, and config.json, are
# looked for there; models in the models/ of this repository, unless --models-dir
# or MODEL_SERVER_MODELS_DIR says otherwise.
set -euo pipefail
started_in=$PWD
cd "$(dirname "$0")/.."
root=$PWD
source deploy/packages.sh

require_packages "${build_packages[@]}"
if [ ! -f build/release/build.ninja ]; then
  echo "== configuring build/release" >&2
  cmake --preset release -DMODEL_SERVER_TESTS=OFF >&2
fi
echo "== building (about twelve minutes the first time, on two cores)" >&2
cmake --build --preset release --target model_api -j "$(build_jobs)" >&2

if [ $# -eq 0 ]; then
  set -- --model tiny-chat --device cpu --port 9999
  cat >&2 <<'END'

== starting: build/release/model_api --model tiny-chat --device cpu --port 9999
   when it says that it listens, chat from another terminal:

curl -s http://127.0.0.1:9999/api/v1/tiny-chat/call -d '{"messages":[{"role":"user","content":"How do I add a device?"}]}'

END
fi
export MODEL_SERVER_MODELS_DIR="${MODEL_SERVER_MODELS_DIR:-$root/models}"
cd "$started_in"
exec "$root/build/release/model_api" "$@"
