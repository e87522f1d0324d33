// The attention of an encoder: each token of a text sees all of them.
#pragma once

#include "models/nets/kv_blocks.hpp"

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/kernels/thread_pool.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// Keeps keys and values of one layer at a time, in f32. A row's result is the
/// same bits whatever other texts are in the pass, and however many threads.
class encoder_attention {
public:
  encoder_attention(std::size_t heads, std::size_t head,
                    const kernel_set& kernels);

  /// Gets ready for a pass over texts of so many tokens, each at least one.
  void begin(std::span<const std::size_t> lengths);

  /// The attention of a layer for all rows. A row of `projected` is its
  /// queries, keys and values, [3, heads, head]; queries are scaled in their
  /// place. `results` is [rows, heads, head].
  void run(float* projected, float* results, thread_pool& pool);

private:
  // Neighbouring tokens of a text, for one task a head.
  struct piece {
    std::size_t row;    // of the pass, the first of them
    std::size_t first;  // its place in the text
    std::size_t count;  // of tokens
    std::size_t block;  // the first one of the text
    std::size_t length; // of the text
  };

  std::size_t size() const {
    return heads_ * head_;
  }
  void store(const piece& where, float* projected);
  void attend(const piece& where, std::size_t head, const float* projected,
              float* results) const;

  std::size_t heads_, head_;
  kv_layout layout_;
  const kernel_set& kernels_;
  // Of the pass in progress; kept for their memory.
  std::vector<piece> pieces_;
  aligned_floats memory_;
  std::vector<std::byte*> blocks_;
};

} // namespace model_server
