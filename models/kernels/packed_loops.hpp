// The loops for packed matrices, written once for any vector of 16 outputs.
#pragma once

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/packed_input_loops.hpp"
#include "models/kernels/packed_product.hpp"
#include "models/kernels/packed_tiles.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

// Included by packed_*.cpp as loops.hpp is by loops_*.cpp.

namespace model_server {

/// `Lanes` gives vectors of 16 floats, and for each format in which weights are
/// read a struct `Numbers`: what a line of 64 bytes of 16 outputs is, and how
/// it meets the input. A line has `parts`, each multiplied with one word of
/// the input: 4 bytes, or a float.
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
    auto stride = packed_block_bytes(weight.format, weight.columns);
    auto begin = weight.data + block * stride;
    return {begin + step * packed_step_bytes(weight.format),
            begin + packed_scales_offset(weight.format, weight.columns)
                + step * width * 2,
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
  // as bytes if it was 4 bits wide, while all tiles pass by and the panel after
  // it is fetched.
  template <class Numbers, class Widened>
  static void multiply_tiles(const packed_product& task, std::size_t begin,
                             std::size_t end) {
    auto& input = *task.input;
    auto& memory = own_scratch();
    constexpr auto most = Lanes::panel_blocks;
    constexpr auto bytes = packed_step_bytes(Widened::format);
    constexpr auto steps_at_once = Lanes::panel_bytes / (most * bytes);
    constexpr auto widens = Numbers::format != Widened::format;
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
          weights = widen<Numbers, Widened>(weights, blocks, steps,
                                            memory.panel.data());
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
    constexpr auto bytes = packed_step_bytes(Numbers::format);
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

  // Gives each part of a line a line of its own.
  template <class Numbers, class Widened>
  static panel widen(panel from, std::size_t blocks, std::size_t steps,
                     float* memory) {
    auto to = reinterpret_cast<std::byte*>(memory);
    auto lines = steps * packed_step_bytes(Numbers::format) / line;
    for (std::size_t b = 0; b < blocks; ++b)
      for (std::size_t i = 0; i < lines; ++i) {
        auto numbers = from.numbers + b * from.number_stride + i * line;
        auto at = to + (b * lines + i) * 2 * line;
        Lanes::store_line(at, Numbers::template load<0>(numbers));
        Lanes::store_line(at + line, Numbers::template load<1>(numbers));
      }
    return {to, from.scales, lines * 2 * line, from.scale_stride};
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
    using int8 = typename Lanes::int8;
    using int4 = typename Lanes::int4;
    using bf16 = typename Lanes::bf16;
    assert(task.input->columns() == task.weight.columns);
    assert(task.input->is_quantized() == is_quantized(task.weight.format));
    switch (task.weight.format) {
    case packed_format::int8:
      return multiply_as<int8, int8>(task, begin, end);
    case packed_format::int4:
      return multiply_as<int4, typename Lanes::int4_bytes>(task, begin, end);
    case packed_format::bf16:
      return multiply_as<bf16, bf16>(task, begin, end);
    }
  }

  static constexpr packed_kernels table(const char* name) {
    return {name, Lanes::int8::limits, Lanes::bf16::limits,
            packed_input_loops<Lanes>::prepare, multiply};
  }
};

} // namespace model_server
