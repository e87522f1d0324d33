// The models of a folder, with the form and the size of their weights.
#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace model_server {

struct local_model {
  std::string name;
  std::string entry;
  /// `safetensors BF16`, `gguf Q4_K`: the form in which most of it is. Or why
  /// it cannot be read.
  std::string form;
  /// Of the weights.
  std::uint64_t bytes = 0;
};

/// Reads the heads of the weight files.
local_model look_at_model(const model_setting& model);

/// A line for each and one above them, as they may be printed.
std::string local_table(const std::vector<local_model>& models);

} // namespace model_server
