// The command line of `model_api bench`.
#pragma once

#include "config/server_access.hpp"

#include <string>
#include <variant>

namespace model_server {

struct bench_options {
  server_access server;
  std::string model;
  /// Requests that are under way at one time.
  unsigned streams = 8;
  /// In all.
  unsigned requests = 64;
  unsigned prompt_tokens = 128;
  /// Of each reply.
  unsigned max_tokens = 128;
  bool as_json = false;
};

/// Reads the arguments behind the command. Throws `config_error`, one sentence.
std::variant<bench_options, early_exit>
read_bench_options(int argc, const char* const* argv,
                   const surroundings& around);

} // namespace model_server
