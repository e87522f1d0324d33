// One tile of rows with a few blocks of a packed weight, for any vector of 16
// outputs.
#pragma once

#include "models/kernels/packed_product.hpp"

#include <algorithm>
#include <cstddef>

// Included by packed_*.cpp as loops.hpp is by loops_*.cpp.

#define MODEL_SERVER_UNROLL _Pragma("GCC unroll 16")
// Were all lines of a group unrolled, GCC would keep the sums in memory.
#define MODEL_SERVER_ROLL _Pragma("GCC unroll 1")

namespace model_server {

/// See packed_loops.hpp for `Lanes`.
template <class Lanes>
struct packed_tiles {
  using vector = typename Lanes::vector;
  static constexpr std::size_t width = packed_block_rows;
  static constexpr std::size_t line = 64;
  static constexpr std::size_t word = 4;

  // Where some blocks of a weight continue, each `..._stride` bytes from the
  // next.
  struct panel {
    const std::byte* numbers;
    const std::byte* scales;
    std::size_t number_stride;
    std::size_t scale_stride;
  };

  // Pairs are too short for a fetch each.
  static constexpr std::size_t pairs_a_fetch = 8;

  // Memory that will be read next, fetched a few lines at a time.
  struct next_panel {
    const std::byte* at = nullptr;
    std::size_t stride = 0;
    std::size_t bytes = 0; // of each block
    std::size_t blocks = 0;
    std::size_t lines_a_fetch = 0;
    std::size_t offset = 0;

    inline void fetch() {
      for (std::size_t i = 0; i < lines_a_fetch && blocks > 0; ++i) {
        Lanes::fetch(at + offset);
        offset += line;
        if (offset >= bytes) {
          offset = 0;
          at += stride;
          --blocks;
        }
      }
    }
  };

  // Adds the products of one part of a line of each block with one word of each
  // row.
  template <class Numbers, std::size_t Part, std::size_t Blocks,
            std::size_t Rows>
  static inline void add_part(const std::byte* numbers, std::size_t stride,
                              const std::byte* words,
                              typename Numbers::sum (&sums)[Rows][Blocks]) {
    // Fewer registers are needed if the shorter side is kept.
    if constexpr (Blocks <= Rows) {
      typename Numbers::weight w[Blocks];
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b)
        w[b] = Numbers::template load<Part>(numbers + b * stride);
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r) {
        auto x = Numbers::spread(words + r * word);
        MODEL_SERVER_UNROLL
        for (std::size_t b = 0; b < Blocks; ++b)
          sums[r][b] = Numbers::add(sums[r][b], w[b], x);
      }
    } else {
      typename Numbers::input x[Rows];
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        x[r] = Numbers::spread(words + r * word);
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b) {
        auto w = Numbers::template load<Part>(numbers + b * stride);
        MODEL_SERVER_UNROLL
        for (std::size_t r = 0; r < Rows; ++r)
          sums[r][b] = Numbers::add(sums[r][b], w, x[r]);
      }
    }
  }

  template <class Numbers, std::size_t Blocks, std::size_t Rows>
  static inline void add_line(const std::byte* numbers, std::size_t stride,
                              const std::byte* words,
                              typename Numbers::sum (&sums)[Rows][Blocks]) {
    add_part<Numbers, 0, Blocks, Rows>(numbers, stride, words, sums);
    if constexpr (Numbers::parts == 2)
      add_part<Numbers, 1, Blocks, Rows>(numbers, stride, words + Rows * word,
                                         sums);
  }

  // Adds `steps` groups to `totals`, [Rows][Blocks] vectors, or begins them.
  // Out of line: inside its callers GCC runs out of registers.
  template <class Numbers, std::size_t Blocks, std::size_t Rows>
  [[gnu::noinline]] static void add_groups(panel weights, const std::byte* x,
                                           std::size_t steps, bool begins,
                                           next_panel& next, float* totals) {
    constexpr auto lines = packed_group / word / Numbers::parts;
    constexpr auto scales_at = packed_group * Rows;
    if (begins)
      for (std::size_t i = 0; i < Rows * Blocks; ++i)
        Lanes::store(totals + i * width, Lanes::zero());
    for (; steps > 0; --steps) {
      next.fetch();
      typename Numbers::sum sums[Rows][Blocks];
      auto offsets = x + scales_at + (1 + Numbers::offset_kind) * word * Rows;
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b)
        sums[r][b] = Numbers::begin(offsets + r * word);
      MODEL_SERVER_ROLL
      for (std::size_t i = 0; i < lines; ++i)
        add_line<Numbers, Blocks, Rows>(
            weights.numbers + i * line, weights.number_stride,
            x + i * Numbers::parts * word * Rows, sums);
      vector scales[Blocks];
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b)
        scales[b] =
            Lanes::load_halves(weights.scales + b * weights.scale_stride);
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r) {
        auto scale = Lanes::spread(x + scales_at + r * word);
        MODEL_SERVER_UNROLL
        for (std::size_t b = 0; b < Blocks; ++b) {
          auto total = totals + (r * Blocks + b) * width;
          Lanes::store(total,
                       Lanes::fma(Numbers::end(sums[r][b], offsets + r * word),
                                  Lanes::multiply(scales[b], scale),
                                  Lanes::load(total)));
        }
      }
      weights.numbers += lines * line;
      weights.scales += width * 2;
      x += packed_input::quantized_step_bytes * Rows;
    }
  }

  // The same for pairs of columns of floats.
  template <class Numbers, std::size_t Blocks, std::size_t Rows>
  [[gnu::noinline]] static void add_pairs(panel weights, const std::byte* x,
                                          std::size_t steps, bool begins,
                                          next_panel& next, float* totals) {
    vector sums[Rows][Blocks];
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b)
      sums[r][b] = begins ? Lanes::zero()
                          : Lanes::load(totals + (r * Blocks + b) * width);
    for (; steps > 0; --steps) {
      if (steps % pairs_a_fetch == 0)
        next.fetch();
      add_line<Numbers, Blocks, Rows>(weights.numbers, weights.number_stride, x,
                                      sums);
      weights.numbers += line;
      x += packed_input::float_step_bytes * Rows;
    }
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b)
      Lanes::store(totals + (r * Blocks + b) * width, sums[r][b]);
  }

  // Writes the results of a tile, but none behind the last output.
  template <std::size_t Blocks, std::size_t Rows>
  static void write(const packed_product& task, const float* totals,
                    std::size_t row, std::size_t block) {
    for (std::size_t r = 0; r < Rows; ++r)
      for (std::size_t b = 0; b < Blocks; ++b) {
        auto output = (block + b) * width;
        auto count = std::min(width, task.weight.rows - output);
        auto y = task.y + (row + r) * task.y_stride + output;
        auto result = Lanes::load(totals + (r * Blocks + b) * width);
        if (task.bias != nullptr)
          result = Lanes::add(result, load(task.bias + output, count));
        if (task.adds)
          result = Lanes::add(load(y, count), result);
        if (count == width)
          Lanes::store(y, result);
        else
          Lanes::store_some(y, result, count);
      }
  }

  static inline vector load(const float* from, std::size_t count) {
    return count == width ? Lanes::load(from) : Lanes::load_some(from, count);
  }
};

} // namespace model_server

#undef MODEL_SERVER_ROLL
#undef MODEL_SERVER_UNROLL
