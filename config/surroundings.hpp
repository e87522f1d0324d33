// What settings depend on besides the arguments.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// What settings depend on besides the arguments.
struct surroundings {
  /// Value of an environment variable, nothing if it is not set. An empty value
  /// counts as not set.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::filesystem::path working_directory;
  /// The program's own file.
  std::filesystem::path program;
  /// Below it an installed program has its settings.
  std::filesystem::path root = "/";
  /// The entries that config.json may name.
  std::vector<std::string> entries;
};

/// The surroundings of this process.
surroundings process_surroundings(std::vector<std::string> entries);

} // namespace model_server
