// Sizes as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace model_server {

/// `612 B`, `4.7 MB`, `13.5 GB`, of 1000 each.
std::string show_bytes(std::uint64_t bytes);

} // namespace model_server
