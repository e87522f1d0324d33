// The loops for packed matrices, written once for any vector of 16 outputs.
#pragma once

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/packed_formats.hpp"
#include "models/kernels/packed_input_loops.hpp"
#include "models/kernels/packed_product.hpp"
#include "models/kernels/packed_tiles.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

// Included by packed_*.cpp as loops.hpp is by loops_*.cpp.

namespace model_server {

/// `Lanes` gives vectors of 16 floats, and for each number of bits in which
/// weights are read a struct of sums: what the numbers of a step of 16 outputs
/// are, and how they meet the input. packed_formats.hpp makes `Numbers` of
/// these. A step has `units`, a loop each time; a unit has `parts`, each
/// multiplied with `part_words` words of the input: 4 bytes, or a float.
template <class Lanes>
struct packed_loops {
  using tiles = packed_tiles<Lanes>;
  using panel = typename tiles::panel;
  using next_panel = typename tiles::next_panel;
  static constexpr std::size_t width = packed_block_rows;
  static constexpr std::size_t line = 64;

  // --- blocks of a tile ------------------------------------------------------

  // Some steps of a tile with some neighbouring blocks.
  struct stretch {
    const packed_product& task;
    panel weights; // from the first step of the first block on
    const std::byte* x;
    std::size_t row;
    std::size_t block;
    std::size_t blocks;
    std::size_t steps;
    bool begins; // with the first column
    bool ends;   // with the last column
    float* totals;
  };

  template <class Numbers, std::size_t Blocks, std::size_t Rows>
  static void run_blocks(stretch& part, next_panel& next) {
    for (; part.blocks >= Blocks; part.blocks -= Blocks) {
      if constexpr (Numbers::is_quantized)
        tiles::template add_groups<Numbers, Blocks, Rows>(
            part.weights, part.x, part.steps, part.begins, next, part.totals);
      else
        tiles::template add_pairs<Numbers, Blocks, Rows>(
            part.weights, part.x, part.steps, part.begins, next, part.totals);
      if (part.ends)
        tiles::template write<Blocks, Rows>(part.task, part.totals, part.row,
                                            part.block);
      part.block += Blocks;
      part.weights.numbers += Blocks * part.weights.number_stride;
      part.weights.scales += Blocks * part.weights.scale_stride;
      part.weights.supers += Blocks * part.weights.scale_stride;
      if (!part.begins || !part.ends) // else they have been written
        part.totals += Blocks * Rows * width;
    }
    if constexpr (Blocks > 1)
      run_blocks<Numbers, Blocks / 2, Rows>(part, next);
  }

  // Calls run_blocks for a number of rows that is known only now.
  template <class Numbers, std::size_t Rows>
  static void run_rows(std::size_t rows, stretch part, next_panel& next) {
    if constexpr (Rows > 0) {
      if (rows == Rows)
        run_blocks<Numbers, Numbers::blocks_of(Rows), Rows>(part, next);
      else
        run_rows<Numbers, Rows - 1>(rows, part, next);
    }
  }

  static constexpr std::size_t largest_tile(tile_limits limits) {
    return std::max(limits.alone, limits.most);
  }

  // --- products --------------------------------------------------------------

  // The memory of one thread.
  struct scratch {
    aligned_floats totals;
    aligned_floats panel;
  };
  static scratch& own_scratch() {
    thread_local scratch memory;
    return memory;
  }

  static panel panel_at(const packed_view& weight, std::size_t block,
                        std::size_t step) {
    auto format = weight.format;
    auto layout = layout_of(format);
    auto stride = packed_block_bytes(format, weight.columns);
    auto begin = weight.data + block * stride;
    return {begin + step * layout.numbers,
            begin + packed_scales_offset(format, weight.columns)
                + step * layout.scales,
            begin + packed_super_scales_offset(format, weight.columns)
                + step / packed_super_groups * layout.super_scales,
            stride, stride};
  }

  // One tile: the weight passes once, straight from where it lies.
  template <class Numbers>
  static void multiply_alone(const packed_product& task, std::size_t begin,
                             std::size_t end) {
    auto& input = *task.input;
    auto& totals = own_scratch().totals;
    totals.reserve(Numbers::blocks_of(1) * input.rows() * width);
    next_panel nothing;
    run_rows<Numbers, largest_tile(Numbers::limits)>(
        input.rows(),
        {task, panel_at(task.weight, begin, 0), input.tile(0), 0, begin,
         end - begin, input.steps(), true, true, totals.data()},
        nothing);
  }

  // Several tiles: a panel of a few blocks and some steps stays in the cache,
  // as bytes if it was narrower, while all tiles pass by and the panel after
  // it is fetched.
  template <class Numbers, class Widened>
  static void multiply_tiles(const packed_product& task, std::size_t begin,
                             std::size_t end) {
    auto& input = *task.input;
    auto& memory = own_scratch();
    constexpr auto most = Lanes::panel_blocks;
    constexpr auto bytes = Widened::step_bytes;
    constexpr auto steps_at_once = Lanes::panel_bytes / (most * bytes);
    static_assert(steps_at_once % packed_super_groups == 0);
    constexpr auto widens = Numbers::step_bytes != bytes;
    memory.totals.reserve(most * width * input.rows());
    if (widens)
      memory.panel.reserve(Lanes::panel_bytes / sizeof(float));
    for (auto block = begin; block < end; block += most) {
      auto blocks = std::min(most, end - block);
      for (std::size_t step = 0; step < input.steps(); step += steps_at_once) {
        auto steps = std::min(steps_at_once, input.steps() - step);
        auto ends = step + steps == input.steps();
        auto weights = panel_at(task.weight, block, step);
        auto next = after<Numbers>(task, ends ? block + most : block,
                                   ends ? 0 : step + steps, end, steps_at_once);
        if constexpr (widens)
          weights = widen<Numbers>(weights, blocks, steps, memory.panel.data());
        for (std::size_t tile = 0; tile < input.tiles(); ++tile) {
          auto row = input.first_row(tile);
          auto rows = input.first_row(tile + 1) - row;
          run_rows<Widened, Numbers::limits.most>(
              rows,
              {task, weights,
               input.tile(tile) + step * input.step_bytes() * rows, row, block,
               blocks, steps, step == 0, ends,
               memory.totals.data() + most * width * row},
              next);
        }
      }
    }
  }

  // What is read after a panel.
  template <class Numbers>
  static next_panel after(const packed_product& task, std::size_t block,
                          std::size_t step, std::size_t end,
                          std::size_t steps_at_once) {
    next_panel next;
    if (block >= end)
      return next;
    constexpr auto bytes = Numbers::step_bytes;
    auto weights = panel_at(task.weight, block, step);
    next.at = weights.numbers;
    next.stride = weights.number_stride;
    next.bytes = std::min(steps_at_once, task.input->steps() - step) * bytes;
    next.blocks = std::min(Lanes::panel_blocks, end - block);
    constexpr auto lines = Lanes::panel_blocks * bytes / line
                           * (Numbers::is_quantized ? 1 : tiles::pairs_a_fetch);
    auto visits = task.input->tiles();
    next.lines_a_fetch = (lines + visits - 1) / visits;
    return next;
  }

  // Gives each word of a unit a line of its own.
  template <class Numbers>
  static panel widen(panel from, std::size_t blocks, std::size_t steps,
                     float* memory) {
    auto to = reinterpret_cast<std::byte*>(memory);
    for (std::size_t b = 0; b < blocks; ++b)
      for (std::size_t i = 0; i < steps; ++i) {
        auto numbers =
            from.numbers + b * from.number_stride + i * Numbers::step_bytes;
        for (std::size_t unit = 0; unit < Numbers::units; ++unit)
          to = widen_unit<typename Numbers::bits>(
              numbers, unit, to,
              std::make_index_sequence<Numbers::bits::words>{});
      }
    from.numbers = reinterpret_cast<std::byte*>(memory);
    from.number_stride = steps * packed_group * packed_block_rows;
    return from;
  }

  template <class Bits, std::size_t... Words>
  static inline std::byte* widen_unit(const std::byte* numbers,
                                      std::size_t unit, std::byte* to,
                                      std::index_sequence<Words...>) {
    (Lanes::store_line(to + Words * line,
                       Bits::template word<Words>(numbers, unit)),
     ...);
    return to + sizeof...(Words) * line;
  }

  template <class Numbers, class Widened>
  static void multiply_as(const packed_product& task, std::size_t begin,
                          std::size_t end) {
    if (task.input->rows() == 0 || begin >= end)
      return;
    if (task.input->tiles() == 1)
      multiply_alone<Numbers>(task, begin, end);
    else
      multiply_tiles<Numbers, Widened>(task, begin, end);
  }

  static void multiply(const packed_product& task, std::size_t begin,
                       std::size_t end) {
    using formats = packed_formats<Lanes>;
    using enum packed_format;
    assert(task.input->columns() == task.weight.columns);
    assert(task.input->is_quantized() == is_quantized(task.weight.format));
    switch (task.weight.format) {
#define MODEL_SERVER_FORMAT(name)                                              \
  case name:                                                                   \
    return multiply_as<typename formats::name, typename formats::name##_wide>( \
        task, begin, end);
      MODEL_SERVER_FORMAT(int8)
      MODEL_SERVER_FORMAT(int4)
      MODEL_SERVER_FORMAT(bf16)
      MODEL_SERVER_FORMAT(q4_k)
      MODEL_SERVER_FORMAT(q6_k)
      MODEL_SERVER_FORMAT(q5_k)
      MODEL_SERVER_FORMAT(q5_0)
      MODEL_SERVER_FORMAT(q4_1)
      MODEL_SERVER_FORMAT(q5_1)
      MODEL_SERVER_FORMAT(iq4_nl)
#undef MODEL_SERVER_FORMAT
    }
  }

  static constexpr packed_kernels table(const char* name) {
    return {name, Lanes::quantized::limits, Lanes::bf16::limits,
            packed_input_loops<Lanes>::prepare, multiply};
  }
};

} // namespace model_server
