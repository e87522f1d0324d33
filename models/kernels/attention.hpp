// Attention over a cache in blocks: what the loops take, and the table of them.
#pragma once

#include "models/weights/number_format.hpp"

#include <cstddef>

namespace model_server {

inline constexpr std::size_t kv_block_tokens = 16;

/// Tokens of a chunk. A sequence's chunks may be attended to apart.
inline constexpr std::size_t attention_chunk = 256;

/// Rows that one call of `attend` takes.
inline constexpr std::size_t max_attention_rows = 48;

/// Where keys and values of one layer and key head lie in each block of 16
/// tokens: keys as [head, 16], values as [width / 16, 16 tokens, 16]. For i8
/// there follow what a unit of each token's key, of its value is worth, 16 f16
/// each: the largest number of the token and head is 127 of them.
struct kv_place {
  /// f32, f16 or i8.
  number_format format = number_format::f16;
  /// Numbers in a head.
  std::size_t head = 0;
  /// Bytes between the beginning of a block and that of its keys, its values.
  std::size_t keys = 0;
  std::size_t values = 0;

  /// `head` rounded up to whole vectors.
  constexpr std::size_t width() const {
    return (head + 15) / 16 * 16;
  }

  /// As `keys` and `values`, the units of i8.
  constexpr std::size_t key_units() const {
    return keys + head * kv_block_tokens;
  }
  constexpr std::size_t value_units() const {
    return values + width() * kv_block_tokens;
  }
};

/// One query: a head of a token.
struct attention_row {
  const float* query = nullptr; // [head], turned and scaled
  /// It sees the tokens before this one, from `first` on, at least one.
  std::size_t limit = 0;
  float* result = nullptr; // [head]
  /// More than 0 for a sliding window.
  std::size_t first = 0;
  /// One more score, which has no value and only takes weight from the others
  /// (gpt-oss). Null for none.
  const float* sink = nullptr;
  /// Taken from a token's score for each token from it to the last one that is
  /// seen (ALiBi, Press et al. 2022). Adding slope times the index of the token
  /// instead gives the same weights, but rounds larger numbers.
  float slope = 0.0f;
};

/// Some queries with the keys and values of their sequence that they share.
struct attention_task {
  /// The blocks of the sequence, each aligned for its numbers.
  const std::byte* const* blocks = nullptr;
  kv_place place;
  const attention_row* rows = nullptr;
  /// `max_attention_rows` at most.
  std::size_t count = 0;
  /// A score becomes softcap * tanh(score / softcap), before a row's slope is
  /// applied (Gemma 2). 0 for none.
  float softcap = 0.0f;
};

/// Floats of a part: what a row gets from a chunk. The values, [width], not yet
/// divided by the sum of their weights; that sum, spread over 16 numbers; the
/// largest score, 16 times.
constexpr std::size_t attention_part(std::size_t width) {
  return width + 32;
}

/// Floats of memory that a call of the loops works in.
constexpr std::size_t attention_scratch(std::size_t width) {
  return max_attention_rows * (width + 2 * attention_part(width));
}

/// One form of the loops. A row's result is made chunk by chunk: from the first
/// token of the chunk on, each score is a sum over the head in order, each value
/// a sum over the tokens in order, every addition fused with its multiplication;
/// units are taken in once, by a score when its sum is made and by a weight; and
/// the chunks are put together in order. So its bits do not depend on the other
/// rows, the ranges of chunks, the threads or the form. A row that sees a number
/// which is not finite gets a result that is not, and spoils no other row; what
/// a row does not see has no part in its result, and blocks of which no row sees
/// any are not read.
struct attention_kernels {
  const char* name;

  /// Stores the key and the value of a token, [head] each, rounded, in a slot of
  /// its block. What is too large for the format becomes infinite; with i8, for
  /// which all above 8 million is, the whole key or value then is no number.
  void (*store)(const kv_place& place, const float* key, const float* value,
                std::byte* block, std::size_t slot);

  /// Attention of all rows to all they see. Calls side by side need a
  /// `scratch` each.
  void (*attend)(const attention_task& task, float* scratch);

  /// The parts of the chunks `begin` to `end`, for those rows that see some of
  /// a chunk: that of chunk c and row r at parts + (r * stride + c - begin)
  /// times the size of a part.
  void (*attend_chunks)(const attention_task& task, std::size_t begin,
                        std::size_t end, float* parts, std::size_t stride,
                        float* scratch);

  /// Puts `count` parts, of all chunks that a row sees some of, in order, in the
  /// place of the first, with the row's sink or null. The result, [head], is the
  /// one of `attend`.
  void (*merge)(float* parts, std::size_t count, const float* sink,
                std::size_t head, float* result);
};

/// Chunks up to a row's limit.
constexpr std::size_t attention_chunks(std::size_t limit) {
  return (limit + attention_chunk - 1) / attention_chunk;
}

/// The first of them of which a row sees some.
constexpr std::size_t first_attention_chunk(std::size_t first) {
  return first / attention_chunk;
}

} // namespace model_server
