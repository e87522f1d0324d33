// Keys and values of one sequence in blocks of 16 tokens, for the kernels.
#pragma once

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/nets/causal_net.hpp"

#include <cstddef>
#include <vector>

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
  std::size_t floats_of_block() const;
};

/// The cache of one sequence. It grows a block at a time and never moves.
class kv_blocks : public kv_cache {
public:
  explicit kv_blocks(const kv_layout& layout) : layout_(layout) {
  }

  std::size_t size() const override {
    return size_;
  }

  /// Makes room for `count` more tokens, which are not counted yet.
  void reserve(std::size_t count);

  /// Counts `count` tokens whose keys and values have been stored.
  void grow(std::size_t count) {
    size_ += count;
  }

  /// Stores the key and the value of a token, `head` numbers each.
  void store(std::size_t layer, std::size_t kv_head, std::size_t token,
             const float* key, const float* value);

  /// What the kernels read.
  attention_view view(std::size_t layer, std::size_t kv_head) const;

private:
  kv_layout layout_;
  std::size_t size_ = 0;
  std::vector<aligned_floats> blocks_;
  // Where the blocks are.
  std::vector<const float*> addresses_;
};

} // namespace model_server
