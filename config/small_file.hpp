// Files that are read whole, but not whatever their size.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace model_server {

/// The content of a file. Throws `config_error` "SHOWN cannot be opened",
/// "... cannot be read" or "... is larger than N bytes".
std::string read_small_file(const std::filesystem::path& path,
                            std::string_view shown, std::size_t max_bytes);

} // namespace model_server
