// One tile of rows with a few blocks of a packed weight, for any vector of 16
// outputs.
#pragma once

#include "models/kernels/packed_product.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

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

  // Where some blocks of a weight continue: their numbers `number_stride` bytes
  // from the next, all scales `scale_stride`.
  struct panel {
    const std::byte* numbers;
    const std::byte* scales;
    const std::byte* supers; // scales of 8 groups
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

  // Adds the products of one part of a unit of each block with what it meets
  // of each row.
  template <class Numbers, std::size_t Part, std::size_t Blocks,
            std::size_t Rows>
  static inline void add_part(const panel& weights, std::size_t unit,
                              const std::byte* words,
                              typename Numbers::sum (&sums)[Rows][Blocks]) {
    auto load = [&](std::size_t b) {
      return Numbers::template load<Part>(
          weights.numbers + b * weights.number_stride, unit,
          weights.scales + b * weights.scale_stride);
    };
    auto spread = [&](std::size_t r) {
      return Numbers::spread(words + r * word, Rows * word);
    };
    // Fewer registers are needed if the shorter side is kept.
    if constexpr (Blocks <= Rows) {
      typename Numbers::weight w[Blocks];
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b)
        w[b] = load(b);
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r) {
        auto x = spread(r);
        MODEL_SERVER_UNROLL
        for (std::size_t b = 0; b < Blocks; ++b)
          sums[r][b] = Numbers::add(sums[r][b], w[b], x);
      }
    } else {
      typename Numbers::input x[Rows];
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        x[r] = spread(r);
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b) {
        auto w = load(b);
        MODEL_SERVER_UNROLL
        for (std::size_t r = 0; r < Rows; ++r)
          sums[r][b] = Numbers::add(sums[r][b], w, x[r]);
      }
    }
  }

  template <class Numbers, std::size_t Blocks, std::size_t Rows,
            std::size_t... Parts>
  static inline void add_unit(const panel& weights, std::size_t unit,
                              const std::byte* words,
                              typename Numbers::sum (&sums)[Rows][Blocks],
                              std::index_sequence<Parts...>) {
    constexpr auto part_bytes = Numbers::part_words * word * Rows;
    words += unit * sizeof...(Parts) * part_bytes;
    (add_part<Numbers, Parts, Blocks, Rows>(weights, unit,
                                            words + Parts * part_bytes, sums),
     ...);
  }

  template <class Numbers>
  using parts_of = std::make_index_sequence<Numbers::parts>;

  // Adds what one group comes to. `totals` are [Rows][Blocks] vectors, and so
  // are `bases`, for what has scales of 8 groups and a base. A call for each
  // group would cost a tenth.
  template <class Numbers, std::size_t Blocks, std::size_t Rows>
  [[gnu::always_inline]] static inline void
  add_group(const panel& weights, const std::byte* x, float* totals,
            float* bases) {
    auto facts = [x](std::size_t r) {
      return input_facts{x + packed_group * Rows + r * word, Rows * word};
    };
    typename Numbers::sum sums[Rows][Blocks];
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b)
      sums[r][b] = Numbers::begin(facts(r));
    MODEL_SERVER_ROLL
    for (std::size_t unit = 0; unit < Numbers::units; ++unit)
      add_unit<Numbers, Blocks, Rows>(weights, unit, x, sums,
                                      parts_of<Numbers>{});
    if constexpr (Numbers::has_supers)
      add_inside<Numbers, Blocks, Rows>(weights, facts, sums, totals, bases);
    else
      add_sums<Numbers, Blocks, Rows>(weights, facts, sums, totals);
  }

  // Sums of a group times its own scale.
  template <class Numbers, std::size_t Blocks, std::size_t Rows, class Facts>
  [[gnu::always_inline]] static inline void
  add_sums(const panel& weights, Facts facts,
           const typename Numbers::sum (&sums)[Rows][Blocks], float* totals) {
    vector scales[Blocks];
    MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b)
      scales[b] = Numbers::scale(weights.scales + b * weights.scale_stride);
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r) {
      auto scale = Lanes::spread(facts(r).at(input_fact::scale));
      MODEL_SERVER_UNROLL
      for (std::size_t b = 0; b < Blocks; ++b) {
        auto at = weights.scales + b * weights.scale_stride;
        auto to = totals + (r * Blocks + b) * width;
        auto total =
            Lanes::fma(Numbers::end(sums[r][b], facts(r), at),
                       Lanes::multiply(scales[b], scale), Lanes::load(to));
        if constexpr (Numbers::has_base)
          total = Lanes::fma(Numbers::base(at),
                             Lanes::spread(facts(r).at(input_fact::scaled_sum)),
                             total);
        Lanes::store(to, total);
      }
    }
  }

  // The same before the scale of 8 groups.
  template <class Numbers, std::size_t Blocks, std::size_t Rows, class Facts>
  [[gnu::always_inline]] static inline void
  add_inside(const panel& weights, Facts facts,
             const typename Numbers::sum (&sums)[Rows][Blocks], float* inner,
             float* bases) {
    MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b) {
      auto at = weights.scales + b * weights.scale_stride;
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r) {
        auto to = (r * Blocks + b) * width;
        auto add = [&](vector x, input_fact fact, float* sum) {
          Lanes::store(sum + to, Lanes::fma(x, Lanes::spread(facts(r).at(fact)),
                                            Lanes::load(sum + to)));
        };
        add(Numbers::end(sums[r][b], facts(r), at), input_fact::scale, inner);
        if constexpr (Numbers::has_base)
          add(Numbers::base(at), input_fact::scaled_sum, bases);
      }
    }
  }

  // Adds `inner`, the sum over 8 groups, times a scale of them.
  template <std::size_t Blocks, std::size_t Rows>
  static inline void add_inner(const panel& weights, std::size_t kind,
                               const float* inner, float* totals) {
    for (std::size_t b = 0; b < Blocks; ++b) {
      auto scale = Lanes::load_halves(weights.supers + b * weights.scale_stride
                                      + kind * 2 * width);
      for (std::size_t r = 0; r < Rows; ++r) {
        auto at = (r * Blocks + b) * width;
        Lanes::store(totals + at, Lanes::fma(Lanes::load(inner + at), scale,
                                             Lanes::load(totals + at)));
      }
    }
  }

  template <std::size_t Blocks, std::size_t Rows>
  static inline void clear(float* totals) {
    for (std::size_t i = 0; i < Rows * Blocks; ++i)
      Lanes::store(totals + i * width, Lanes::zero());
  }

  // Adds `steps` groups to `totals` or begins them; the first is the first of
  // 8. Out of line: inside its callers GCC runs out of registers.
  template <class Numbers, std::size_t Blocks, std::size_t Rows>
  [[gnu::noinline]] static void add_groups(panel weights, const std::byte* x,
                                           std::size_t steps, bool begins,
                                           next_panel& next, float* totals) {
    constexpr auto layout = layout_of(Numbers::format);
    constexpr auto inner_size = Numbers::has_supers ? Rows * Blocks * width : 1;
    alignas(line) float inner[inner_size];
    alignas(line) float bases[inner_size];
    if (begins)
      clear<Blocks, Rows>(totals);
    while (steps > 0) {
      auto some =
          Numbers::has_supers ? std::min(steps, packed_super_groups) : steps;
      steps -= some;
      if constexpr (Numbers::has_supers) {
        clear<Blocks, Rows>(inner);
        clear<Blocks, Rows>(bases);
      }
      for (; some > 0; --some) {
        next.fetch();
        add_group<Numbers, Blocks, Rows>(
            weights, x, Numbers::has_supers ? inner : totals, bases);
        weights.numbers += Numbers::step_bytes;
        weights.scales += layout.scales;
        x += packed_input::quantized_step_bytes * Rows;
      }
      if constexpr (Numbers::has_supers) {
        add_inner<Blocks, Rows>(weights, 0, inner, totals);
        if constexpr (Numbers::has_base)
          add_inner<Blocks, Rows>(weights, 1, bases, totals);
        weights.supers += layout.super_scales;
      }
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
      add_unit<Numbers, Blocks, Rows>(weights, 0, x, sums, parts_of<Numbers>{});
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
