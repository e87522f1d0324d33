// How much the weights of a model take on the disk.
#pragma once

#include <cstdint>
#include <filesystem>

namespace model_server {

/// Bytes of the weight files that `weight_folder` would open at this path,
/// which are not opened. What cannot be read counts nothing.
std::uint64_t weight_bytes(const std::filesystem::path& path);

} // namespace model_server
