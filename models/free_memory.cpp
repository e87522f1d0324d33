// Asks /proc/meminfo and the control groups, version 1 and 2.
#include "models/free_memory.hpp"

#include <algorithm>
#include <fstream>
#include <initializer_list>
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
  /// Pages of files, in memory.stat: those read long ago, and lately.
  const char* old_pages;
  const char* new_pages;
};

constexpr group_files version_1{"memory.limit_in_bytes",
                                "memory.usage_in_bytes", "total_inactive_file",
                                "total_active_file"};
constexpr group_files version_2{"memory.max", "memory.current", "inactive_file",
                                "active_file"};

// Calls `visit` for `group` below `top` and each group around it. Inside a
// container the name may lead elsewhere, and `top` is the container's own
// group.
template <class Visit>
void visit_groups(const fs::path& top, const std::string& group,
                  const group_files& files, Visit visit) {
  auto path = (top / fs::path{group}.relative_path()).lexically_normal();
  if (*path.lexically_relative(top).begin() == "..")
    path = top;
  for (;; path = path.parent_path()) {
    visit(path, files);
    if (path.native().size() <= top.native().size())
      return;
  }
}

// The same for every group of this process.
template <class Visit>
void visit_groups(const fs::path& root, Visit visit) {
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
      visit_groups(top, group, version_2, visit);
    else if (controllers.find(",memory,") != std::string::npos)
      visit_groups(top / "memory", group, version_1, visit);
  }
}

std::optional<std::size_t> machine_memory(const fs::path& root,
                                          std::string_view name) {
  auto kilobytes = number_in(root / "proc/meminfo", name);
  if (!kilobytes)
    return std::nullopt;
  return *kilobytes * 1024;
}

// What the machine has, and each group allows. The pages of these kinds would
// go when memory is needed.
std::optional<std::size_t>
left_of_all(const fs::path& root,
            std::initializer_list<const char * group_files::*> kinds) {
  auto result = machine_memory(root, "MemAvailable");
  if (!result)
    return std::nullopt;
  visit_groups(root, [&](const fs::path& path, const group_files& files) {
    auto limit = number_in(path / files.limit);
    auto usage = number_in(path / files.usage);
    if (!limit || !usage)
      return;
    std::size_t pages = 0;
    for (auto kind : kinds)
      pages += number_in(path / "memory.stat", files.*kind).value_or(0);
    auto used = *usage - std::min(*usage, pages);
    result = std::min(*result, *limit - std::min(*limit, used));
  });
  return result;
}

} // namespace

std::optional<std::size_t> free_memory(const fs::path& root) {
  return left_of_all(root, {&group_files::old_pages});
}

std::optional<std::size_t> spare_memory(const fs::path& root) {
  return left_of_all(root, {&group_files::old_pages, &group_files::new_pages});
}

std::optional<std::size_t> total_memory(const fs::path& root) {
  auto result = machine_memory(root, "MemTotal");
  if (!result)
    return std::nullopt;
  visit_groups(root, [&](const fs::path& path, const group_files& files) {
    result = std::min(*result, number_in(path / files.limit).value_or(*result));
  });
  return result;
}

} // namespace model_server
