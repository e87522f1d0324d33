// Cuts the attention of a pass into tasks.
#pragma once

#include "models/nets/causal_net.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// The heads of a layer.
struct attention_heads {
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  /// Numbers in a head.
  std::size_t head = 0;

  /// Heads that share a key head.
  std::size_t group() const {
    return heads / kv_heads;
  }
};

/// The first token that a row sees which sees those before `limit` through a
/// window of so many tokens; 0 is no window.
constexpr std::size_t first_in_window(std::size_t limit, std::size_t window) {
  return window == 0 || limit <= window ? 0 : limit - window;
}

/// Some heads of one key head, for some neighbouring tokens of a sequence, with
/// some chunks of what is stored of it.
struct attention_piece {
  std::size_t input = 0;
  std::size_t row = 0; // of the pass, the first of the tokens
  std::size_t tokens = 0;
  std::size_t head = 0;
  std::size_t heads = 0;
  std::size_t begin = 0; // chunks
  std::size_t end = 0;
  /// Chunks that all pieces of these rows have together, from `first` on.
  std::size_t first = 0;
  std::size_t chunks = 0;
  /// Place of the first of the rows' parts; each has `chunks` of them.
  std::size_t parts = 0;

  bool is_whole() const {
    return end - begin == chunks;
  }
  std::size_t rows() const {
    return tokens * heads;
  }
};

/// The tasks of a pass. Many rows that see the same tokens share a task, and
/// what is long is cut at chunks so that all threads get about the same.
struct attention_plan {
  /// Those that take longest first.
  std::vector<attention_piece> pieces;
  /// The pieces, of those that were cut, that hold the first chunk.
  std::vector<std::size_t> cut;
  /// Parts that the pieces make together.
  std::size_t parts = 0;

  /// Replaces the plan; keeps its memory. Each row sees the last `window`
  /// tokens up to its own, or all of them for 0.
  void make(std::span<const net_input> inputs, const attention_heads& shape,
            std::size_t threads, std::size_t window = 0);

private:
  void add_rows(attention_piece rows, std::size_t most);
};

} // namespace model_server
