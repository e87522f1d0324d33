// How the rows of an input are rounded and woven into tiles, for any vector of
// 16 floats.
#pragma once

#include "models/kernels/packed_input.hpp"
#include "models/kernels/packed_matrix.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

// Included by packed_*.cpp as loops.hpp is by loops_*.cpp.

namespace model_server {

/// Of the first and of the last 16 bytes of a group.
struct half_sums {
  std::int32_t first, last;
};

/// Scales that are tried for a group: of the i-th its largest number becomes
/// 127 - 127 * i / 128. What one scale rounds badly another may round well:
/// with eight the error is about a tenth less than with the first alone.
inline constexpr std::size_t scales_tried = 8;

/// One of them, and what 1 is worth with it, in 256ths of what it is worth with
/// the first. Of those that are the best but for their last digits the first is
/// taken, which keeps whole numbers as they are.
struct scale_choice {
  std::size_t index = 0;
  float worth = 0.0f;
};
inline constexpr float nearly_the_best = 1.0f - 0x1p-20f;

/// See packed_loops.hpp for `Lanes`. Here they make numbers times a factor 16
/// bit integers (`to_shorts`), these times a factor / 2^15 others (`rounded`,
/// to nearest, a half up), and `sums` of the products of two groups, to be
/// added up by `best_of`, which tells of the first of the scales with nearly
/// the largest tq * tq / qq.
template <class Lanes>
struct packed_input_loops {
  using vector = typename Lanes::vector;
  using shorts = typename Lanes::shorts; // 32 of 16 bits
  static constexpr std::size_t width = packed_block_rows;
  static constexpr std::size_t word = 4;

  // The scale that leaves the least squares of errors. Let t be the numbers, in
  // 256ths, and q what they are rounded to: then the best scale is tq / qq, and
  // it leaves tt - tq * tq / qq. The sums are of integers, exact.
  static inline scale_choice best_scale(shorts t) {
    typename Lanes::sums tq[scales_tried], qq[scales_tried];
    for (std::size_t i = 0; i < scales_tried; ++i) {
      auto q = Lanes::rounded(t, factor_of(i));
      tq[i] = Lanes::products(t, q);
      qq[i] = Lanes::products(q, q);
    }
    return Lanes::best_of(tq, qq);
  }

  // Makes numbers in 256ths whole ones, as `Lanes::rounded` takes it.
  static constexpr std::int16_t factor_of(std::size_t i) {
    return static_cast<std::int16_t>(128 - i);
  }

  // One group of one row. Each fact is `rows` numbers apart from the next.
  static inline void prepare_group(const float* x, std::size_t count,
                                   std::byte* step, std::size_t rows,
                                   std::size_t row) {
    vector halves[2];
    if (count == packed_group) {
      halves[0] = Lanes::load(x);
      halves[1] = Lanes::load(x + width);
    } else {
      halves[0] = Lanes::load_some(x, std::min(count, width));
      halves[1] = Lanes::load_some(x + std::min(count, width),
                                   count - std::min(count, width));
    }
    // Sizes of floats are ordered like their bits, infinity and NaN last.
    shorts t{};
    scale_choice best;
    auto scale = 0.0f;
    auto largest = Lanes::largest_size(halves[0], halves[1]);
    if (!(largest <= std::numeric_limits<float>::max())) {
      scale = std::numeric_limits<float>::quiet_NaN();
    } else if (largest > 0x1p-100f) {
      t = Lanes::to_shorts(halves[0], halves[1], 127.0f * 256.0f / largest);
      best = best_scale(t);
      scale = largest / (127.0f * 256.0f) * best.worth;
    }
    std::int8_t bytes[packed_group];
    auto [first, last] =
        Lanes::store_bytes(Lanes::rounded(t, factor_of(best.index)), bytes);
    auto sum = first + last;
    for (std::size_t i = 0; i < packed_group / word; ++i)
      std::memcpy(step + (i * rows + row) * word, bytes + i * word, word);
    auto put = [&](input_fact fact, auto number) {
      static_assert(sizeof(number) == word);
      auto kind = static_cast<std::size_t>(fact);
      std::memcpy(step + (packed_group + kind * word) * rows + row * word,
                  &number, word);
    };
    put(input_fact::scale, scale);
    put(input_fact::offset, -8 * sum);
    put(input_fact::scaled_sum, scale * static_cast<float>(sum));
    struct {
      std::int16_t first, last;
    } sums{static_cast<std::int16_t>(first), static_cast<std::int16_t>(last)};
    put(input_fact::half_sums, sums);
  }

  static void prepare(const float* x, std::size_t x_stride, packed_input& input,
                      std::size_t begin, std::size_t end) {
    auto columns = input.columns();
    for (auto r = begin; r < end; ++r) {
      auto tile = input.tile_of(r);
      auto rows = input.first_row(tile + 1) - input.first_row(tile);
      auto row = r - input.first_row(tile);
      auto from = x + r * x_stride;
      auto to = input.tile(tile);
      if (input.is_quantized()) {
        for (std::size_t k = 0; k < columns; k += packed_group) {
          prepare_group(from + k, std::min(packed_group, columns - k), to, rows,
                        row);
          to += packed_input::quantized_step_bytes * rows;
        }
      } else {
        for (std::size_t k = 0; k < 2 * input.steps(); ++k) {
          auto value = k < columns ? from[k] : 0.0f;
          std::memcpy(to + (k * rows + row) * word, &value, word);
        }
      }
    }
  }
};

} // namespace model_server
