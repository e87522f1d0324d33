// What a worker's process is told when it starts.
#pragma once

#include "actors/messages.hpp"
#include "config/settings.hpp"

#include <cstdint>
#include <string>

namespace model_server {

/// Everything that a worker's process needs to know; it reads no file and no
/// option by itself. Comes over its standard input.
struct worker_launch {
  start_worker order;
  /// Where the front of this machine takes hellos; 0 is that of the cluster.
  std::uint16_t local_port = 0;
  /// The model's setting, as config.json has it.
  std::string model_json;
  /// The machine's cores, for all workers together.
  std::uint32_t cores = 1;
  cluster_settings cluster;
  log_settings log;
};

/// As bytes, with their number in front.
std::string to_bytes(const worker_launch& launch);

/// Reads what `to_bytes` made from a descriptor. Throws `std::runtime_error`
/// if it ends early or holds something else.
worker_launch read_launch(int descriptor);

} // namespace model_server
