// The memory for keys and values, in blocks of 16 tokens, for the kernels.
#pragma once

#include "models/engine/kv_block_pool.hpp"
#include "models/kernels/attention.hpp"

#include <cstddef>

namespace model_server {

/// How a block is laid out: for each layer and key head the keys, then the
/// values, in the order of `kv_place`.
struct kv_layout {
  std::size_t layers = 0;
  std::size_t kv_heads = 0;
  std::size_t head = 0;
  /// f32, f16 or i8.
  number_format format = number_format::f16;

  /// Where the kernels find keys and values in each block.
  kv_place place(std::size_t layer, std::size_t kv_head) const;

  /// Rounded up to whole cache lines.
  std::size_t bytes_of_block() const;
};

/// All blocks of a network, one mapping. A page takes memory from when it is
/// first written to, and is 0 before.
class kv_blocks {
public:
  kv_blocks() = default;
  /// Throws `std::runtime_error` if there is no room for the mapping.
  kv_blocks(const kv_layout& layout, std::size_t count);
  kv_blocks(kv_blocks&& other) noexcept;
  kv_blocks& operator=(kv_blocks&& other) noexcept;
  ~kv_blocks();

  std::byte* block(block_id id) const {
    return data_ + id * bytes_of_block_;
  }

private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t bytes_of_block_ = 0;
};

} // namespace model_server
