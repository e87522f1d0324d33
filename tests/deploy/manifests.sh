#!/usr/bin/env bash
# Checks the files of deploy/ for containers.
#
#   manifests.sh PROGRAM FOLDER      installs the checks' packages into FOLDER first
#
# Exits with 77, and says why, when the packages cannot be had here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
MODEL_SERVER_SOURCE=$(cd "$here/../.." && pwd)
export MODEL_SERVER_PROGRAM=$1 MODEL_SERVER_SOURCE
folder=$2

skip() {
  echo "skipped: $1"
  exit 77
}

command -v node >/dev/null || skip "there is no node"
command -v npm >/dev/null || skip "there is no npm"
mkdir -p "$folder"
cp "$here"/*.json "$here"/*.mjs "$folder"
cd "$folder"
cmp -s package-lock.json node_modules/.for \
  || { npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.for; } \
  || skip "npm does not get the packages"
node --test
