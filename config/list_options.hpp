// The command line of `model_api list`.
#pragma once

#include "config/server_access.hpp"

#include <filesystem>
#include <variant>

namespace model_server {

struct list_options {
  server_access server;
  /// Look into the models folder instead of asking a server.
  bool is_local = false;
  /// Empty if there is none.
  std::filesystem::path models_folder;
};

/// Reads the arguments behind the command. Throws `config_error`, one sentence.
std::variant<list_options, early_exit>
read_list_options(int argc, const char* const* argv,
                  const surroundings& around);

} // namespace model_server
