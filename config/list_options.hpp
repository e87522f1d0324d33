// The command line of `model_api list`.
#pragma once

#include "config/server_access.hpp"

#include <filesystem>
#include <variant>
#include <vector>

namespace model_server {

struct list_options {
  server_access server;
  /// Look into the models folder instead of asking a server.
  bool is_local = false;
  /// What an earlier one has counts.
  std::vector<std::filesystem::path> models_folders;
};

/// Reads the arguments behind the command. Throws `config_error`, one sentence.
std::variant<list_options, early_exit>
read_list_options(int argc, const char* const* argv,
                  const surroundings& around);

} // namespace model_server
