// Makes a model folder whose matrices are packed.
#pragma once

#include "models/kernels/packed_matrix.hpp"
#include "models/load_watch.hpp"

#include <cstdint>
#include <filesystem>

namespace model_server {

/// What became of the weights.
struct packed_sizes {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};

/// Writes `to`, a folder that does not exist yet: every matrix of the network
/// in `from` packed, but those that choose experts, all other tensors and files
/// as they are. Whoever serves it maps the weights, which all of its processes
/// share. Uses all cores, and memory for one matrix. Throws
/// `std::runtime_error` that names what cannot be read, packed or written;
/// there is no such folder then. While it is written it is called `to.partial`.
packed_sizes write_packed_folder(const std::filesystem::path& from,
                                 const std::filesystem::path& to,
                                 packed_format format,
                                 const load_watch& watch = nullptr);

} // namespace model_server
