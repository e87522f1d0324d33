// The memory for keys and values, in blocks of 16 tokens, for the kernels.
#pragma once

#include "models/engine/kv_block_pool.hpp"
#include "models/kernels/kernel_set.hpp"

#include <cstddef>

namespace model_server {

/// How a block is laid out: for each layer and key head the keys, [head, 16],
/// then the values, [16, width].
struct kv_layout {
  std::size_t layers = 0;
  std::size_t kv_heads = 0;
  std::size_t head = 0;
  /// `head` rounded up to whole vectors.
  std::size_t width = 0;

  kv_layout(std::size_t layer_count, std::size_t head_count,
            std::size_t head_size);

  std::size_t keys_at(std::size_t layer, std::size_t kv_head) const;
  std::size_t values_at(std::size_t layer, std::size_t kv_head) const;

  /// Rounded up to whole cache lines.
  std::size_t floats_of_block() const;

  /// Stores the key and the value of a token, `head` numbers each, in its
  /// block.
  void store(float* block, std::size_t layer, std::size_t kv_head,
             std::size_t slot, const float* key, const float* value) const;

  /// What the kernels read of the blocks at these addresses.
  attention_view view(const float* const* blocks, std::size_t layer,
                      std::size_t kv_head) const;
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

  float* block(block_id id) const {
    return data_ + id * floats_of_block_;
  }

private:
  float* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t floats_of_block_ = 0;
};

} // namespace model_server
