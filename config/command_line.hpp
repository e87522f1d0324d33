// From arguments, environment and files to the settings of the process.
#pragma once

#include "config/settings.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
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
  /// The entries that config.json may name.
  std::vector<std::string> entries;
};

/// The surroundings of this process.
surroundings process_surroundings(std::vector<std::string> entries);

/// Print this on stdout and exit with status 0: --help or --version.
struct early_exit {
  std::string text;
};

/// Reads everything, in this order of precedence: command line, environment,
/// config.json, default. Throws `config_error`, one sentence that names the
/// option, variable, or file, line and key; the caller prints it and exits
/// with status 2.
std::variant<settings, early_exit>
load_settings(int argc, const char* const* argv, const surroundings& around);

} // namespace model_server
