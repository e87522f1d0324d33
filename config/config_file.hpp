// Reads config.json, the list of models.
#pragma once

#include "config/settings.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Largest config.json that is read.
inline constexpr std::size_t max_config_bytes = 1 << 20;

/// The models of a config.json, in its order. `file` names it in errors, and
/// `entries` are the values that `name` may have. Throws `config_error` that
/// names file, line and key.
std::vector<model_setting>
parse_config(std::string_view text, std::string_view file,
             const std::vector<std::string>& entries);

/// Reads the file at `path` and parses it as above.
std::vector<model_setting>
read_config_file(const std::filesystem::path& path,
                 const std::vector<std::string>& entries);

} // namespace model_server
