// From arguments, environment and files to the settings of the process.
#pragma once

#include "config/settings.hpp"
#include "config/surroundings.hpp"

#include <string>
#include <variant>

namespace model_server {

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
