// The command line of `model_api health`.
#pragma once

#include "config/server_access.hpp"

#include <variant>

namespace model_server {

struct health_options {
  /// Without a key: the routes of health need none.
  server_access server;
};

/// Reads the arguments behind the command. The server is by default one that
/// was started in the same environment, on this machine. Throws `config_error`.
std::variant<health_options, early_exit>
read_health_options(int argc, const char* const* argv,
                    const surroundings& around);

} // namespace model_server
