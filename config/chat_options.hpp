// The command line of `model_api chat`.
#pragma once

#include "config/server_access.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace model_server {

struct chat_options {
  server_access server;
  std::string model;
  /// The only thing to say; empty for a conversation, `-` for all of stdin.
  std::string message;
  /// What the model is told before everything else; may be empty.
  std::string system;
  /// Fields of the request with their values, such as `temperature` and `0.2`.
  std::vector<std::pair<std::string, std::string>> fields;
};

/// Reads the arguments behind the command. Throws `config_error`, one sentence.
std::variant<chat_options, early_exit>
read_chat_options(int argc, const char* const* argv,
                  const surroundings& around);

} // namespace model_server
