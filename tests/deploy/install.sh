#!/usr/bin/env bash
# What is installed runs by itself, and the packages hold what they should.
#
#   install.sh BUILD       the folder of a build
#
# Says what it leaves out where a tool is missing.
set -euo pipefail
build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "failed: $*" >&2; exit 1; }

echo "== cmake --install, and a chat from an empty folder"
cmake --install "$build" --prefix "$folder/prefix" >/dev/null
for file in bin/model_api lib/systemd/system/model-server.service lib/sysusers.d/model-server.conf \
  share/model-server/models/tiny-chat/model.safetensors share/model-server/config.example.json \
  share/model-server/openapi.json share/doc/model-server/deployment.md share/man/man1/model_api.1; do
  [ -f "$folder/prefix/$file" ] || fail "$file is not installed"
done
[ ! -e "$folder/etc" ] || fail "files of the package are installed beside the prefix"
mkdir "$folder/empty"
(cd "$folder/empty" && env -i PATH="$PATH" python3 -B "$here/chat.py" "$folder/prefix/bin/model_api")
# libtorch is found from where it was installed.
ldd "$folder"/prefix/lib*/model-server/libmodel_server_torch.so >/dev/null || fail "libtorch's part"

echo "== the unit"
unit=$folder/prefix/lib/systemd/system/model-server.service
grep -q "^ExecStart=$folder/prefix/bin/model_api$" "$unit" || fail "the unit names another program"
if command -v systemd-analyze >/dev/null; then
  said=$(systemd-analyze verify --man=no "$unit" 2>&1) || fail "$said"
  [ -z "$said" ] || fail "$said"
  # 12 is an exposure of 1.2 of 10.
  systemd-analyze security --offline=yes --threshold=12 --no-pager "$unit" | tail -n 1
else
  echo "left out: there is no systemd-analyze"
fi

echo "== the packages"
if ! command -v dpkg-shlibdeps >/dev/null || ! command -v file >/dev/null; then
  echo "left out: dpkg-dev and file are not installed"
  exit 0
fi
cpack --config "$build/CPackConfig.cmake" -B "$folder/packages" >"$folder/cpack" 2>&1 \
  || { cat "$folder/cpack" >&2; exit 1; }
server=$(echo "$folder"/packages/model-server_*.deb)
torch=$(echo "$folder"/packages/model-server-torch_*.deb)
dpkg-deb --fsys-tarfile "$server" | tar -t >"$folder/list"
for file in ./usr/bin/model_api ./usr/lib/systemd/system/model-server.service \
  ./etc/model-server/config.json ./etc/default/model-server ./var/lib/model-server/models/; do
  grep -qx "$file" "$folder/list" || fail "$file is not in the package"
done
dpkg-deb --info "$server" conffiles | grep -qx /etc/model-server/config.json || fail conffiles
for script in postinst prerm postrm; do
  dpkg-deb --info "$server" $script | sh -n || fail $script
done
depends=$(dpkg-deb --field "$server" Depends)
case "$depends" in
  *torch* | *opencv*) fail "the server's package needs libtorch: $depends" ;;
  *libcaf-core0.17* | *libcaf-*) ;;
  *) fail "the server's package does not know its libraries: $depends" ;;
esac
dpkg-deb --field "$torch" Depends | grep -q libopenblas0-pthread || fail "no OpenBLAS"
dpkg-deb --extract "$server" "$folder/root"
grep -qx 'ExecStart=/usr/bin/model_api' \
  "$folder/root/usr/lib/systemd/system/model-server.service" || fail "ExecStart of the package"
(cd "$folder/empty" && env -i PATH="$PATH" python3 -B "$here/chat.py" "$folder/root/usr/bin/model_api")
ls -sh "$folder"/packages/*.deb | sed "s|$folder/packages/||"
