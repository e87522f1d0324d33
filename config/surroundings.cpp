// Asks the system what settings depend on.
#include "config/surroundings.hpp"

#include <cstdlib>
#include <system_error>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

surroundings process_surroundings(std::vector<std::string> entries) {
  surroundings result;
  result.variable = [](const std::string& name) -> std::optional<std::string> {
    const auto* value = std::getenv(name.c_str());
    if (value == nullptr)
      return std::nullopt;
    return value;
  };
  result.entries = std::move(entries);
  std::error_code ignored;
  result.working_directory = fs::current_path(ignored);
  result.program = fs::read_symlink("/proc/self/exe", ignored);
  return result;
}

} // namespace model_server
