#!/usr/bin/env bash
# Checks who includes whom: a file may include its own room and the rooms before it.
#
#   tests/layering.sh [folder of the project]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
errors=0
complain() { echo "layering: $*" >&2; errors=$((errors + 1)); }

sources() { find "$@" -name '*.cpp' -o -name '*.hpp' | sort; }

# forbid PATTERN REASON FOLDER...: no file of the folders may include PATTERN.
forbid() {
  local pattern=$1 reason=$2
  shift 2
  while IFS= read -r hit; do
    complain "$hit: $reason"
  done < <(sources "$@" | xargs grep -nE "^ *# *include *[<\"]($pattern)" || true)
}

# Rooms, in the order in which they may include each other; http/client/ stands apart.
forbid '(models|actors|http)/' "config/ includes no other room" config
forbid '(actors|http)/' "models/ knows no actors and no HTTP" models
forbid 'http/' "actors/ knows no HTTP" actors
forbid 'http/client/' "http/ answers clients and is none" http/*.[ch]pp
forbid '(actors/|http/[a-z0-9_]+[.]hpp)' "http/client/ knows the server by its wire alone" http/client

# Inside models/: text, weights, kernels, engine, nets, torch, entries.
order=(text weights kernels engine nets torch entries)
later=()
for ((i = ${#order[@]} - 1; i >= 0; i--)); do
  room=models/${order[i]}
  if [ -d "$room" ] && [ ${#later[@]} -gt 0 ]; then
    forbid "models/($(IFS='|'; echo "${later[*]}"))/" "$room/ comes earlier" "$room"
  fi
  later+=("${order[i]}")
done

# Libraries that stay in their room.
forbid '(torch|ATen|c10)/' "libtorch is for models/torch/*.cpp, which is loaded when it is needed" \
  config models/*.cpp models/{text,weights,kernels,engine,nets,entries} actors http main.cpp
while IFS= read -r header; do
  complain "$header: a header includes torch"
done < <(find config models actors http -name '*.hpp' -not -path models/torch/torch_weights.hpp \
         | xargs grep -lE '^ *# *include *<(torch|ATen|c10)/' || true)
forbid 'models/torch/torch_weights.hpp' "this one is for models/torch/*.cpp alone" \
  config models/*.[ch]pp models/torch/*.hpp models/{text,weights,kernels,engine,nets,entries} actors http \
  main.cpp tests bench
forbid 'restinio/' "RESTinio is for http/" config models actors http/client main.cpp
forbid 'caf/' "CAF is for actors/ and http/" config models http/client
forbid '(curl/|histedit)' "libcurl and libedit are for http/client/" config models actors http/*.[ch]pp main.cpp
forbid 'prometheus/' "figures are for actors/ and http/" config models http/client main.cpp

# Two types of one name would be one to the linker. tiny-chat's trainer is another program.
while IFS= read -r name; do
  complain "two headers define $name"
done < <(find config models actors http -name '*.hpp' -not -path 'models/tiny-chat/*' \
         | xargs grep -hE '^(struct|class|union|enum class) [a-z_0-9]+[^;:]*(: [^;]*)?$' \
         | sed -E 's/^(struct|class|union|enum class) ([a-z_0-9]+).*/\2/' | sort | uniq -d || true)

# Every entry is listed, and every listed one is there.
for file in models/entries/*.cpp; do
  for made in $(grep -ohE '\bmake_[a-z_]+\(const entry_spec&' "$file" \
                | sed -E 's/make_([a-z_]+)\(.*/\1/' || true); do
    grep -qE "^MODEL_ENTRY\($made\)" models/entries.def \
      || complain "$file: entry '$made' is not in models/entries.def"
  done
done

[ "$errors" -eq 0 ] && echo "layering: 0 errors"
exit $((errors > 0))
