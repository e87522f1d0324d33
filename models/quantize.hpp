// What `model_api quantize` does.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace model_server {

/// The forms in which weights can be packed, as users name them.
std::vector<std::string> packed_format_names();

/// Packs a model folder into a new one, and shows how far it is on a terminal.
/// Throws `std::runtime_error` that names what is wrong with which file.
void quantize(const std::filesystem::path& from, const std::filesystem::path& to,
              const std::string& format);

} // namespace model_server
