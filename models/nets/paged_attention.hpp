// The attention of a network over keys and values in blocks.
#pragma once

#include "models/nets/attention_plan.hpp"
#include "models/nets/kv_blocks.hpp"
#include "models/nets/rope.hpp"

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/kernels/thread_pool.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// By which angles a kind of layer turns queries and keys.
struct turn_table {
  rope_spec rope;
  /// Of each pair of a head, per position: `rope_frequencies`.
  std::vector<float> frequencies;
};

/// What the attention of a layer does.
struct attention_layer {
  std::size_t index = 0;
  /// Index of its turns; without any, positions are not told.
  std::optional<std::size_t> turns;
  /// It sees so many tokens, its own among them; 0: all.
  std::size_t window = 0;
  /// What a score is multiplied with.
  float scale = 1.0f;
  /// As in `attention_task`.
  float softcap = 0.0f;
  /// A score without a value for each head, or null.
  const float* sinks = nullptr;
  /// As in `attention_row`, of each head, or null.
  const float* slopes = nullptr;
};

/// Keeps the blocks and, from `begin` on, what the layers of a pass share. A
/// row's result is the same bits whatever else is in the pass.
class paged_attention {
public:
  /// `windows` are those of the layers, each once; keys and values are stored
  /// in `format`, f32, f16 or i8.
  paged_attention(std::size_t layers, const attention_heads& shape,
                  std::vector<turn_table> turns,
                  const std::vector<std::size_t>& windows, number_format format,
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
  void run(const attention_layer& layer, float* projected, float* results,
           thread_pool& pool);

private:
  // One token of the pass.
  struct token_row {
    std::byte* const* blocks; // of its sequence
    std::size_t position;
  };

  // What the run of a layer is about.
  struct layer_data {
    const attention_layer& layer;
    float* projected;
    float* results;
  };

  // Angles of the rows of a pass.
  struct row_turns {
    turn_table table;
    aligned_floats cosines, sines; // [rows, pairs]
    aligned_floats query_scales;   // [rows]
  };

  // The tasks of layers with the same window.
  struct window_plan {
    std::size_t window;
    attention_plan plan;
  };

  void turn(const row_turns& turns, std::size_t row, float scale,
            float* head) const;
  void store(const layer_data& data, std::size_t row);
  void attend(const layer_data& data, const attention_piece& piece);
  void merge(const layer_data& data, const attention_piece& piece);
  float* parts_of(const attention_piece& piece);

  std::size_t stride() const {
    return (shape_.heads + 2 * shape_.kv_heads) * shape_.head;
  }

  attention_heads shape_;
  kv_layout layout_;
  std::vector<row_turns> turns_;
  std::vector<window_plan> plans_;
  const kernel_set& kernels_;
  kv_blocks blocks_;
  // Of the pass in progress; kept for their memory.
  std::vector<std::byte*> addresses_;
  std::vector<token_row> rows_;
  aligned_floats parts_;
};

} // namespace model_server
