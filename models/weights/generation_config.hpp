// The generation_config.json of a model: how its makers mean it to speak.
#pragma once

#include "models/entry.hpp"

#include <cstddef>
#include <filesystem>
#include <vector>

namespace model_server {

/// What the file says; everything in it is optional, and so is the file.
struct generation_config {
  /// Temperature 0 if `do_sample` is given as false.
  sampling_options defaults;
  /// Empty if the file names none.
  std::vector<token_id> end_tokens;
  /// From `max_new_tokens`; 0 if not given.
  std::size_t default_max_tokens = 0;

  friend bool operator==(const generation_config&,
                         const generation_config&) = default;
};

/// Reads generation_config.json of a model folder; all empty if there is none.
/// Throws `std::runtime_error` that names a value out of range.
generation_config read_generation_config(const std::filesystem::path& folder);

} // namespace model_server
