// The command line of `model_api health`.
#pragma once

#include "config/subcommand.hpp"

#include <string>
#include <variant>

namespace model_server {

struct health_options {
  /// What is asked, with whatever status 200 means there.
  std::string url;
};

/// Reads the arguments behind the command. The address is by default that of a
/// server started in the same environment. Throws `config_error`.
std::variant<health_options, early_exit>
read_health_options(int argc, const char* const* argv,
                    const surroundings& around);

} // namespace model_server
