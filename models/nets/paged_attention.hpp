// The attention of a network over keys and values in blocks.
#pragma once

#include "models/nets/attention_plan.hpp"
#include "models/nets/kv_blocks.hpp"

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/kernels/thread_pool.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// Keeps the blocks and, from `begin` on, what the layers of a pass share. A
/// row's result is the same bits whatever else is in the pass.
class paged_attention {
public:
  /// `frequencies` are those of `rope_frequencies`; keys and values are stored
  /// in `format`, f32 or f16.
  paged_attention(std::size_t layers, const attention_heads& shape,
                  std::vector<float> frequencies, number_format format,
                  const kernel_set& kernels);

  /// Bytes that the keys and values of a block of tokens take.
  std::size_t bytes_of_block() const;

  /// Throws `std::runtime_error` if there is no room.
  void make_blocks(std::size_t count);

  /// Gets ready for a pass with these rows. `threads` is how many will share
  /// the work.
  void begin(std::span<const net_input> inputs, std::size_t threads);

  /// The attention of a layer for all rows. A row of `projected` is its
  /// queries, keys and values, [heads + 2 kv_heads, head]; queries and keys are
  /// turned in their place. `results` is [rows, heads, head].
  void run(std::size_t layer, float* projected, float* results,
           thread_pool& pool);

private:
  // One token of the pass.
  struct token_row {
    std::byte* const* blocks; // of its sequence
    std::size_t position;
  };

  // What a layer is about.
  struct layer_data {
    std::size_t layer;
    float* projected;
    float* results;
  };

  void store(const layer_data& data, std::size_t row);
  void attend(const layer_data& data, const attention_piece& piece);
  void merge(const layer_data& data, const attention_piece& piece);
  float* parts_of(const attention_piece& piece);

  std::size_t stride() const {
    return (shape_.heads + 2 * shape_.kv_heads) * shape_.head;
  }

  attention_heads shape_;
  kv_layout layout_;
  std::vector<float> frequencies_;
  const kernel_set& kernels_;
  kv_blocks blocks_;
  // Of the pass in progress; kept for their memory.
  std::vector<std::byte*> addresses_;
  std::vector<token_row> rows_;
  attention_plan plan_;
  aligned_floats parts_;
  aligned_floats cosines_; // [rows, head / 2]
  aligned_floats sines_;   // [rows, head / 2]
};

} // namespace model_server
