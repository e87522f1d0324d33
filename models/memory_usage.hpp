// What a model uses of its device's memory.
#pragma once

#include <cstddef>

namespace model_server {

struct memory_usage {
  /// Blocks for keys and values, and how many of them sequences hold now; 0 for
  /// models that have none.
  std::size_t cache_blocks = 0;
  std::size_t cache_blocks_used = 0;
  /// What weights, keys and values take on an accelerator; 0 on the CPU, where
  /// the process tells.
  std::size_t device_bytes = 0;
};

/// What an entry or a network is beside that, if it can tell.
class memory_user {
public:
  virtual ~memory_user() = default;

  /// For figures; called between steps, often.
  virtual memory_usage usage() const = 0;
};

} // namespace model_server
