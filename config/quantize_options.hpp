// The command line of `model_api quantize`.
#pragma once

#include "config/command_line.hpp"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace model_server {

/// The first argument that makes the program pack weights instead of serving.
inline constexpr const char* quantize_command = "quantize";

struct quantize_options {
  std::filesystem::path from;
  std::filesystem::path to;
  std::string format;
};

/// Reads the arguments behind the command; `formats` are those there are.
/// Throws `config_error`, one sentence.
std::variant<quantize_options, early_exit>
read_quantize_options(int argc, const char* const* argv,
                      const std::vector<std::string>& formats);

} // namespace model_server
