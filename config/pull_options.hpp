// The command line of `model_api pull`.
#pragma once

#include "config/command_line.hpp"

#include <filesystem>
#include <string>
#include <variant>

namespace model_server {

/// Where models are fetched from.
struct hub_access {
  /// Without a slash at its end.
  std::string url;
  /// Empty if there is none. For this address alone, never for another that it
  /// leads to.
  std::string token;
};

struct pull_options {
  hub_access hub;
  /// `ORG/NAME`, or `NAME` alone, as old models are called.
  std::string model;
  /// A branch, a tag or a commit.
  std::string revision = "main";
  /// The .gguf file to take, `*` and `?` standing for more; may be empty.
  std::string include;
  /// The folder of the model, absolute.
  std::filesystem::path to;
  /// Where a server that is started here looks for models, absolute.
  std::filesystem::path models_folder;
  /// Attempts in a row that may bring nothing, after the first.
  unsigned retries = 5;
};

/// Reads the arguments behind the command. Throws `config_error`, one sentence.
std::variant<pull_options, early_exit>
read_pull_options(int argc, const char* const* argv,
                  const surroundings& around);

} // namespace model_server
