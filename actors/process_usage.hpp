// What the system says of this process.
#pragma once

#include <cstdint>
#include <filesystem>

namespace model_server {

/// Bytes and seconds; 0 where the system does not say.
struct process_usage {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  /// User and system together.
  double cpu_seconds = 0;
  /// Since 1970.
  double start_seconds = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t most_descriptors = 0;
};

/// `root` is where /proc is.
process_usage read_process_usage(const std::filesystem::path& root = "/");

/// `resident_bytes` alone, at less cost.
std::uint64_t resident_bytes(const std::filesystem::path& root = "/");

} // namespace model_server
