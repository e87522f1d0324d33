// Asks /proc/meminfo and the control groups, version 1 and 2.
#include "models/free_memory.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace model_server {

namespace {

namespace fs = std::filesystem;

// The number that a file is; nothing if it is none ("max").
std::optional<std::size_t> number_in(const fs::path& path) {
  std::ifstream file{path};
  std::size_t result = 0;
  if (file >> result)
    return result;
  return std::nullopt;
}

// The number behind `name` in a file of lines like `name 123`.
std::optional<std::size_t> number_in(const fs::path& path,
                                     std::string_view name) {
  std::ifstream file{path};
  std::string line;
  while (std::getline(file, line)) {
    auto end = line.find_first_of(": ");
    if (end == std::string::npos || line.substr(0, end) != name)
      continue;
    auto digits = line.find_first_of("0123456789", end);
    if (digits != std::string::npos)
      return std::stoull(line.substr(digits));
  }
  return std::nullopt;
}

// What the files of a control group are called.
struct group_files {
  const char* limit;
  const char* usage;
  const char* reclaimable;
};

constexpr group_files version_1{"memory.limit_in_bytes",
                                "memory.usage_in_bytes", "total_inactive_file"};
constexpr group_files version_2{"memory.max", "memory.current",
                                "inactive_file"};

// The least that `group` below `top`, or a group around it, leaves. Inside a
// container the name may lead elsewhere, and `top` is the container's own
// group.
std::size_t least_left(const fs::path& top, const std::string& group,
                       const group_files& files, std::size_t least) {
  auto path = (top / fs::path{group}.relative_path()).lexically_normal();
  if (*path.lexically_relative(top).begin() == "..")
    path = top;
  for (;; path = path.parent_path()) {
    auto limit = number_in(path / files.limit);
    auto usage = number_in(path / files.usage);
    if (limit && usage) {
      // Pages of files that were read go when memory is needed.
      auto pages =
          number_in(path / "memory.stat", files.reclaimable).value_or(0);
      auto used = *usage - std::min(*usage, pages);
      least = std::min(least, *limit - std::min(*limit, used));
    }
    if (path.native().size() <= top.native().size())
      return least;
  }
}

} // namespace

std::optional<std::size_t> free_memory(const fs::path& root) {
  auto kilobytes = number_in(root / "proc/meminfo", "MemAvailable");
  if (!kilobytes)
    return std::nullopt;
  auto result = *kilobytes * 1024;
  // Lines like `0::/a/b` (version 2) and `5:memory:/a/b` (version 1).
  std::ifstream groups{root / "proc/self/cgroup"};
  std::string line;
  auto top = root / "sys/fs/cgroup";
  while (std::getline(groups, line)) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    auto group = line.substr(second + 1);
    if (controllers == ",,")
      result = least_left(top, group, version_2, result);
    else if (controllers.find(",memory,") != std::string::npos)
      result = least_left(top / "memory", group, version_1, result);
  }
  return result;
}

} // namespace model_server
