// The inner loops of attention: a few rows by a chunk of the cache.
#pragma once

#include "models/kernels/attention.hpp"
#include "models/kernels/vector_functions.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

// Included by loops_*.cpp as loops.hpp is.

#define MODEL_SERVER_UNROLL _Pragma("GCC unroll 16")

namespace model_server {

/// A chunk of a sequence, or its beginning.
struct cache_stretch {
  const std::byte* const* blocks; // from the first of the chunk on
  /// The first block that is read.
  std::size_t first;
  std::size_t count;
  /// Blocks behind it that are read next.
  std::size_t more;
  const kv_place& place;
};

/// `Lanes` as for `loops`. Numbers of the cache are `Number`s, and `Rows`
/// queries pass by them together.
template <class Lanes, class Number, std::size_t Rows>
struct attention_tile {
  using vector = typename Lanes::vector;
  using functions = vector_functions<Lanes>;
  static constexpr std::size_t lanes = 16;
  static constexpr std::size_t chunk = attention_chunk;
  // Values of so many tokens stay in the first cache while the rows pass by.
  static constexpr std::size_t strip = 4 * kv_block_tokens;
  static constexpr std::size_t blocks_ahead = strip / kv_block_tokens;
  // Few rows leave registers for two vectors of the cache.
  static constexpr std::size_t together = Rows <= Lanes::rows_by_two ? 2 : 1;

  // Numbers of 8 bits count units.
  static constexpr bool has_units = sizeof(Number) == 1;

  template <class Stored = Number>
  static inline const Stored* at(const cache_stretch& stretch,
                                 std::size_t block, std::size_t offset) {
    return reinterpret_cast<const Stored*>(stretch.blocks[block] + offset);
  }

  /// Fetches what is needed a little later, a line at a time.
  static inline void fetch(const Number* from) {
    __builtin_prefetch(from);
  }

  // --- scores ----------------------------------------------------------------

  /// The scores of `Blocks` blocks from `block` on. Queries are [head, Rows],
  /// scores [Rows, chunk].
  template <std::size_t Blocks>
  static inline void score_blocks(const cache_stretch& stretch, std::size_t block,
                                  const float* queries, float* scores) {
    const Number* keys[Blocks];
    const Number* ahead[Blocks];
    vector sums[Blocks][Rows];
    MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b) {
      keys[b] = at(stretch, block + b, stretch.place.keys);
      // Behind the last key come the first values.
      auto next = block + b + blocks_ahead;
      ahead[b] =
          next < stretch.count
              ? at(stretch, next, stretch.place.keys)
              : at(stretch,
                   std::min(next - stretch.count + stretch.first,
                            stretch.count - 1),
                   stretch.place.values);
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        sums[b][r] = Lanes::zero();
    }
    for (std::size_t i = 0; i < stretch.place.head; ++i) {
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b) {
        fetch(ahead[b] + i * lanes);
        auto key = Lanes::load(keys[b] + i * lanes);
        MODEL_SERVER_UNROLL
        for (std::size_t r = 0; r < Rows; ++r)
          sums[b][r] = Lanes::fma(key, Lanes::spread(queries[i * Rows + r]),
                                  sums[b][r]);
      }
    }
    MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b) {
      if constexpr (has_units) {
        auto units = Lanes::load(
            at<float16>(stretch, block + b, stretch.place.key_units()));
        MODEL_SERVER_UNROLL
        for (std::size_t r = 0; r < Rows; ++r)
          sums[b][r] = Lanes::multiply(sums[b][r], units);
      }
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        Lanes::store(scores + r * chunk + (block + b) * lanes, sums[b][r]);
    }
  }

  static inline void score(const cache_stretch& stretch, const float* queries,
                           float* scores) {
    auto block = stretch.first;
    for (; block + together <= stretch.count; block += together)
      score_blocks<together>(stretch, block, queries, scores);
    if (block < stretch.count)
      score_blocks<1>(stretch, block, queries, scores);
  }

  // --- weights ---------------------------------------------------------------

  /// Applies a cap, or leaves the scores if it is 0. What is not finite stays
  /// so.
  static inline void cap(float* scores, std::size_t begin, std::size_t end,
                         float softcap) {
    if (softcap == 0.0f)
      return;
    auto most = Lanes::spread(softcap);
    auto inverse = Lanes::spread(1.0f / softcap);
    for (auto t = begin / lanes * lanes; t < end; t += lanes) {
      auto score = Lanes::load(scores + t);
      auto capped = Lanes::multiply(
          most, functions::tanh(Lanes::multiply(score, inverse)));
      Lanes::store(scores + t, Lanes::fma(score, Lanes::zero(), capped));
    }
  }

  /// Applies a slope, or leaves the scores if it is 0. The last token that is
  /// seen is the one before token `limit` of the chunk.
  static inline void lean(float* scores, std::size_t begin, std::size_t end,
                          std::size_t limit, float slope) {
    if (slope == 0.0f)
      return;
    alignas(64) static constexpr float steps[lanes] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    auto factor = Lanes::spread(slope);
    for (auto t = begin / lanes * lanes; t < end; t += lanes) {
      auto first = static_cast<float>(t + 1) - static_cast<float>(limit);
      auto distance = Lanes::add(Lanes::spread(first), Lanes::load(steps));
      Lanes::store(scores + t,
                   Lanes::fma(distance, factor, Lanes::load(scores + t)));
    }
  }

  /// Replaces the scores of the tokens `begin` to `end` by their weights, and
  /// begins a part with their sum.
  static inline void weigh(float* scores, std::size_t begin, std::size_t end,
                           std::size_t width, float* part) {
    // What else lies in their vectors gets no weight.
    auto first = begin / lanes * lanes;
    for (auto t = first; t < begin; ++t)
      scores[t] = std::numeric_limits<float>::lowest();
    for (; end % lanes != 0; ++end)
      scores[end] = std::numeric_limits<float>::lowest();
    auto best = Lanes::spread(-std::numeric_limits<float>::infinity());
    for (auto t = first; t < end; t += lanes)
      best = Lanes::larger(Lanes::load(scores + t), best);
    best = Lanes::spread(Lanes::largest(best));
    auto sums = Lanes::zero();
    for (auto t = first; t < end; t += lanes) {
      auto score = Lanes::load(scores + t);
      auto weight = functions::exp_of_negative(Lanes::subtract(score, best));
      // An infinite score makes it NaN, even one that would weigh nothing.
      weight = Lanes::fma(score, Lanes::zero(), weight);
      sums = Lanes::add(sums, weight);
      Lanes::store(scores + t, weight);
    }
    for (std::size_t i = 0; i < width; i += lanes)
      Lanes::store(part + i, Lanes::zero());
    Lanes::store(part + width, sums);
    Lanes::store(part + width + lanes, best);
  }

  /// Makes of the weights of the tokens `begin` to `end` those of their stored
  /// values.
  static inline void weigh_units(const cache_stretch& stretch,
                                 std::size_t begin, std::size_t end,
                                 float* weights) {
    if constexpr (has_units)
      for (auto block = begin / lanes; block * lanes < end; ++block) {
        auto units = Lanes::load(
            at<float16>(stretch, block, stretch.place.value_units()));
        auto to = weights + block * lanes;
        Lanes::store(to, Lanes::multiply(Lanes::load(to), units));
      }
  }

  // --- values ----------------------------------------------------------------

  /// Adds the weighted values of the tokens `begin` to `end` of the chunk to
  /// the parts: `Parts` vectors of them, from vector `first` on.
  template <std::size_t Parts>
  static inline void mix_vectors(const cache_stretch& stretch, std::size_t first,
                                 std::size_t begin, std::size_t end,
                                 std::size_t ahead_offset, const float* weights,
                                 float* out, std::size_t stride) {
    constexpr auto size = kv_block_tokens * lanes; // of a vector of a block
    vector sums[Parts][Rows];
    MODEL_SERVER_UNROLL
    for (std::size_t p = 0; p < Parts; ++p)
      MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      sums[p][r] = Lanes::load(out + r * stride + (first + p) * lanes);
    auto last = stretch.count + stretch.more - 1;
    for (auto t = begin; t < end;) {
      auto block = t / kv_block_tokens;
      auto next = std::min(block + blocks_ahead, last);
      auto values = at(stretch, block, stretch.place.values) + first * size;
      auto ahead = at(stretch, next, ahead_offset) + first * size;
      auto stop = std::min(end, (block + 1) * kv_block_tokens);
      for (; t < stop; ++t) {
        auto i = t % kv_block_tokens * lanes;
        MODEL_SERVER_UNROLL
        for (std::size_t p = 0; p < Parts; ++p) {
          fetch(ahead + p * size + i);
          auto value = Lanes::load(values + p * size + i);
          MODEL_SERVER_UNROLL
          for (std::size_t r = 0; r < Rows; ++r)
            sums[p][r] = Lanes::fma(
                value, Lanes::spread(weights[r * chunk + t]), sums[p][r]);
        }
      }
    }
    MODEL_SERVER_UNROLL
    for (std::size_t p = 0; p < Parts; ++p)
      MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      Lanes::store(out + r * stride + (first + p) * lanes, sums[p][r]);
  }

  /// The same for whole values.
  static inline void mix(const cache_stretch& stretch, std::size_t begin,
                         std::size_t end, const float* weights, float* out,
                         std::size_t stride) {
    auto vectors = stretch.place.width() / lanes;
    for (; begin < end; begin += strip) {
      auto stop = std::min(end, begin + strip);
      // Behind the last values come the keys of the next chunk.
      auto ahead = stop < stretch.count * kv_block_tokens ? stretch.place.values
                                                       : stretch.place.keys;
      std::size_t first = 0;
      for (; first + together <= vectors; first += together)
        mix_vectors<together>(stretch, first, begin, stop, ahead, weights, out,
                              stride);
      if (first < vectors)
        mix_vectors<1>(stretch, first, begin, stop, ahead, weights, out, stride);
    }
  }
};

} // namespace model_server

#undef MODEL_SERVER_UNROLL
