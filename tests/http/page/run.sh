#!/usr/bin/env bash
# Runs the tests of the page's scripts that need no browser: run.sh FOLDER
#
# FOLDER gets copies, because node takes a script for a module only where a
# package.json says so. Exits with 77, and says why, when there is no node.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)

command -v node >/dev/null || { echo "skipped: there is no node"; exit 77; }
rm -rf "$folder"
mkdir -p "$folder"
cp "$here"/../../../http/page/*.js "$here"/*.mjs "$folder"
echo '{"type": "module"}' >"$folder/package.json"
cd "$folder"
exec node --test
