// Reads /proc/self.
#include "actors/process_usage.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace model_server {

namespace {

namespace fs = std::filesystem;

// Behind the boot time, which is a line `btime N` of /proc/stat.
double boot_seconds(const fs::path& root) {
  std::ifstream file{root / "proc/stat"};
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("btime "))
      return std::stod(line.substr(6));
  return 0;
}

std::uint64_t count_files(const fs::path& folder) {
  std::error_code failed;
  fs::directory_iterator found{folder, failed};
  return failed ? 0 : static_cast<std::uint64_t>(std::distance(found, {}));
}

std::uint64_t soft_descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

} // namespace

process_usage read_process_usage(const fs::path& root) {
  process_usage result;
  result.open_descriptors = count_files(root / "proc/self/fd");
  result.most_descriptors = soft_descriptor_limit();
  std::ifstream file{root / "proc/self/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  // The name of the program, in brackets, may hold anything.
  std::istringstream rest{text.substr(text.rfind(')') + 1)};
  std::string ignored;
  // State is field 3; then come user and system time (14, 15), the start (22),
  // and the memory (23, 24), in ticks, bytes and pages.
  for (int field = 3; field < 14; ++field)
    rest >> ignored;
  double user = 0, system = 0, start = 0;
  std::uint64_t bytes = 0, pages = 0;
  rest >> user >> system;
  for (int field = 16; field < 22; ++field)
    rest >> ignored;
  if (!(rest >> start >> bytes >> pages))
    return result;
  auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  result.cpu_seconds = (user + system) / ticks;
  result.start_seconds = boot_seconds(root) + start / ticks;
  result.virtual_bytes = bytes;
  result.resident_bytes =
      pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return result;
}

std::uint64_t resident_bytes(const fs::path& root) {
  std::ifstream file{root / "proc/self/statm"};
  std::uint64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace model_server
