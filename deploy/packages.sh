# Installs Debian packages that are missing; sourced by the scripts that need some.

# What building and running the server needs.
build_packages=(
  g++ cmake ninja-build ccache pkg-config
  libcaf-dev librestinio-dev libasio-dev rapidjson-dev libfmt-dev libspdlog-dev libcli11-dev
  libpcre2-dev libutf8proc-dev libssl-dev libcurl4-openssl-dev libedit-dev libtorch-dev prometheus-cpp-dev
  libopenblas0-pthread # Debian's default BLAS is about fifty times slower
)

# What the fuzzers need further; llvm tells where a finding lies.
fuzz_packages=(clang llvm)

# require_packages NAME...: installs those that are not there; says what it does.
require_packages() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null \
      | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "== installing: ${missing[*]}" >&2
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "Please run this as root, or install sudo: ${missing[*]} are missing." >&2
      exit 1
    }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}

# build_jobs: as many as there are cores and memory (a torch file takes 1 GB).
build_jobs() {
  local memory_jobs
  memory_jobs=$(awk '/MemAvailable/ {print int($2 / 1300000)}' /proc/meminfo)
  local jobs
  jobs=$(nproc)
  [ "$memory_jobs" -lt "$jobs" ] && jobs=$memory_jobs
  [ "$jobs" -lt 1 ] && jobs=1
  echo "$jobs"
}
