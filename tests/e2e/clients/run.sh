#!/usr/bin/env bash
# Runs real clients against the real program.
#
#   run.sh PROGRAM FOLDER javascript   installs the packages into FOLDER first
#   run.sh PROGRAM FOLDER python       PYTHON names another one than python3
#
# Exits with 77, and says why, when the clients cannot be had here.
set -euo pipefail
program=$1 folder=$2 language=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
python=${PYTHON:-python3}

skip() {
  echo "skipped: $1"
  exit 77
}

mkdir -p "$folder"
if [ "$language" = javascript ]; then
  command -v node >/dev/null || skip "there is no node"
  command -v npm >/dev/null || skip "there is no npm"
  cp "$here"/*.json "$here"/*.mjs "$folder"
  cmp -s "$here/package-lock.json" "$folder/node_modules/.for" \
    || (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error \
        && cp package-lock.json node_modules/.for) \
    || skip "npm does not get the packages"
else
  $python -c 'import openai' 2>/dev/null || skip "$python has no openai"
  cp "$here"/*.py "$folder"
fi

cat >"$folder/config.json" <<JSON
{
  "tiny-chat": {"name": "causal_lm", "params": {"path": "$root/models/tiny-chat"}},
  "fault": {"name": "fault", "params": {"enable": true}},
  "short": {"name": "echo", "params": {"context_length": 16}},
  "org/echo": {"name": "echo"},
  "idle": {"name": "echo"}
}
JSON
export MODEL_SERVER_TEST_KEY=sk-of-the-clients
(umask 077 && cat >"$folder/keys.json") <<JSON
{"keys": [
  {"name": "clients", "role": "admin", "key": "$MODEL_SERVER_TEST_KEY"},
  {"name": "rare", "role": "call", "key": "sk-that-is-rarely-used", "requests_per_minute": 1}
]}
JSON
exec 3< <(exec "$program" --config "$folder/config.json" --port 0 \
  --api-key-file "$folder/keys.json" \
  --model tiny-chat --device cpu --model fault --device cpu \
  --model short --device cpu --model org/echo --device cpu 2>"$folder/log")
server=$!
trap 'kill $server 2>/dev/null || true' EXIT

# It has said everything once four models are ready.
origin='' ready=0
while [ $ready -lt 4 ] && read -r line <&3; do
  case "$line" in
    "listening on "*) origin=${line#listening on } ;;
    *" is ready on "*) ready=$((ready + 1)) ;;
  esac
done
[ $ready -eq 4 ] || { cat "$folder/log" >&2; exit 1; }
export MODEL_SERVER_ORIGIN=$origin

cd "$folder"
if [ "$language" = javascript ]; then
  node --test
else
  $python openai_client.py
fi
