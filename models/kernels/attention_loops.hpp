// Attention over the cache, written once for any vector of 16 floats.
#pragma once

#include "models/kernels/attention_tiles.hpp"
#include "models/kernels/kv_store_loops.hpp"
#include "models/kernels/vector_functions.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

// Included by loops_*.cpp as loops.hpp is.

namespace model_server {

/// `Lanes` as for `loops`.
template <class Lanes>
struct attention_loops {
  using vector = typename Lanes::vector;
  using functions = vector_functions<Lanes>;
  static constexpr std::size_t lanes = 16;

  // --- parts -----------------------------------------------------------------

  // Adds a part to that of the chunks before it.
  static inline void add_part(float* to, const float* part, std::size_t width) {
    auto best = Lanes::load(to + width + lanes);
    auto other = Lanes::load(part + width + lanes);
    auto both = Lanes::larger(best, other);
    auto factor = functions::exp_of_negative(Lanes::subtract(best, both));
    auto others = functions::exp_of_negative(Lanes::subtract(other, both));
    for (std::size_t i = 0; i <= width; i += lanes)
      Lanes::store(to + i,
                   Lanes::fma(Lanes::load(to + i), factor,
                              Lanes::multiply(Lanes::load(part + i), others)));
    Lanes::store(to + width + lanes, both);
  }

  // One over the sum of the weights, with that of a sink.
  static inline vector factor_of(const float* part, std::size_t width,
                                 const float* sink) {
    auto sum = Lanes::sum(Lanes::load(part + width));
    if (sink == nullptr)
      return Lanes::spread(1.0f / sum);
    auto best = Lanes::load(part + width + lanes);
    auto other = Lanes::spread(*sink);
    auto both = Lanes::larger(best, other);
    auto factor = functions::exp_of_negative(Lanes::subtract(best, both));
    auto others = functions::exp_of_negative(Lanes::subtract(other, both));
    return Lanes::divide(factor,
                         Lanes::fma(Lanes::spread(sum), factor, others));
  }

  static inline void finish(const float* part, std::size_t width,
                            const float* sink, std::size_t head,
                            float* result) {
    auto factor = factor_of(part, width, sink);
    std::size_t i = 0;
    for (; i + lanes <= head; i += lanes)
      Lanes::store(result + i, Lanes::multiply(Lanes::load(part + i), factor));
    if (i < head)
      Lanes::store_some(
          result + i, Lanes::multiply(Lanes::load(part + i), factor), head - i);
  }

  static void merge(float* parts, std::size_t count, const float* sink,
                    std::size_t head, float* result) {
    auto width = kv_place{.head = head}.width();
    for (std::size_t c = 1; c < count; ++c)
      add_part(parts, parts + c * attention_part(width), width);
    finish(parts, width, sink, head, result);
  }

  // --- tiles -----------------------------------------------------------------

  // Some rows of a task that pass by the cache together.
  struct row_group {
    const attention_task& task;
    std::size_t first;
    std::size_t rows;
    const float* queries; // [head, rows]
  };

  // Groups of about the same size.
  static std::size_t count_groups(const attention_task& task) {
    return (task.count + Lanes::attention_rows - 1) / Lanes::attention_rows;
  }

  static row_group group_of(const attention_task& task, std::size_t index,
                            const float* queries) {
    auto groups = count_groups(task);
    auto first = index * task.count / groups;
    auto rows = (index + 1) * task.count / groups - first;
    return {task, first, rows, queries + first * task.place.head};
  }

  static void order_queries(const attention_task& task, float* queries) {
    for (std::size_t g = 0; g < count_groups(task); ++g) {
      auto group = group_of(task, g, queries);
      auto to = queries + group.first * task.place.head;
      for (std::size_t r = 0; r < group.rows; ++r)
        for (std::size_t i = 0; i < task.place.head; ++i)
          to[i * group.rows + r] = task.rows[group.first + r].query[i];
    }
  }

  static std::size_t largest_limit(const attention_task& task) {
    std::size_t result = 0;
    for (std::size_t r = 0; r < task.count; ++r)
      result = std::max(result, task.rows[r].limit);
    return result;
  }

  static std::size_t first_chunk(const attention_task& task) {
    auto result = task.rows[0].first;
    for (std::size_t r = 1; r < task.count; ++r)
      result = std::min(result, task.rows[r].first);
    return first_attention_chunk(result);
  }

  // The tokens of a chunk that each of some rows sees.
  template <std::size_t Rows>
  struct view {
    std::size_t begin[Rows];
    std::size_t end[Rows];
    // Those that some row sees.
    std::size_t first = attention_chunk;
    std::size_t last = 0;
    // Those that all rows see.
    std::size_t shared = 0;
    std::size_t shared_end = attention_chunk;

    view(const attention_row* rows, std::size_t chunk) {
      auto start = chunk * attention_chunk;
      for (std::size_t r = 0; r < Rows; ++r) {
        begin[r] =
            std::min(std::max(rows[r].first, start) - start, attention_chunk);
        end[r] =
            std::min(std::max(rows[r].limit, start) - start, attention_chunk);
        shared = std::max(shared, begin[r]);
        shared_end = std::min(shared_end, end[r]);
        first = std::min(first, sees(r) ? begin[r] : attention_chunk);
        last = std::max(last, sees(r) ? end[r] : 0);
      }
      if (shared >= shared_end)
        shared = shared_end = attention_chunk;
    }

    bool sees(std::size_t row) const {
      return begin[row] < end[row];
    }
  };

  // The parts of a chunk, `stride` floats apart. Of the blocks behind it those
  // before block `end` are read next.
  template <class Number, std::size_t Rows>
  static void attend_rows(const row_group& group, std::size_t index,
                          std::size_t end, float* parts, std::size_t stride) {
    using tile = attention_tile<Lanes, Number, Rows>;
    using single = attention_tile<Lanes, Number, 1>;
    auto& task = group.task;
    auto rows = task.rows + group.first;
    view<Rows> seen{rows, index};
    if (seen.last == 0)
      return;
    auto block = index * (attention_chunk / kv_block_tokens);
    auto count = (seen.last + kv_block_tokens - 1) / kv_block_tokens;
    cache_stretch stretch{task.blocks + block, seen.first / kv_block_tokens,
                          count, end - block - count, task.place};
    alignas(64) float scores[Rows * attention_chunk];
    tile::score(stretch, group.queries, scores);
    for (std::size_t r = 0; r < Rows; ++r) {
      if (!seen.sees(r))
        continue;
      auto own = scores + r * attention_chunk;
      single::cap(own, seen.begin[r], seen.end[r], task.softcap);
      single::lean(own, seen.begin[r], seen.end[r],
                   rows[r].limit - index * attention_chunk, rows[r].slope);
      single::weigh(own, seen.begin[r], seen.end[r], task.place.width(),
                    parts + r * stride);
      tile::weigh_units(stretch, seen.begin[r], seen.end[r], own);
    }
    // What not all see is added to each that sees it, in order.
    auto mix_alone = [&](std::size_t r, std::size_t from, std::size_t to) {
      single::mix(stretch, from, to, scores + r * attention_chunk,
                  parts + r * stride, stride);
    };
    for (std::size_t r = 0; seen.shared > 0 && r < Rows; ++r)
      mix_alone(r, seen.begin[r], std::min(seen.end[r], seen.shared));
    tile::mix(stretch, seen.shared, seen.shared_end, scores, parts, stride);
    for (std::size_t r = 0; r < Rows; ++r)
      mix_alone(r, seen.shared_end, seen.end[r]);
  }

  template <class Number, std::size_t Rows = Lanes::attention_rows>
  static void attend_group(const row_group& group, std::size_t index,
                           std::size_t end, float* parts, std::size_t stride) {
    if constexpr (Rows > 0) {
      if (group.rows == Rows)
        attend_rows<Number, Rows>(group, index, end, parts, stride);
      else
        attend_group<Number, Rows - 1>(group, index, end, parts, stride);
    }
  }

  static void attend_chunk(const row_group& group, std::size_t index,
                           std::size_t end, float* parts, std::size_t stride) {
    if (group.task.place.format == number_format::i8)
      attend_group<std::int8_t>(group, index, end, parts, stride);
    else if (group.task.place.format == number_format::f16)
      attend_group<float16>(group, index, end, parts, stride);
    else
      attend_group<float>(group, index, end, parts, stride);
  }

  // --- tasks -----------------------------------------------------------------

  // Adds what the rows of a group got from a chunk to what they have.
  static void add_chunk(const row_group& group, std::size_t index,
                        const float* others, float* parts) {
    auto width = group.task.place.width();
    auto size = attention_part(width);
    for (std::size_t r = 0; r < group.rows; ++r) {
      auto& row = group.task.rows[group.first + r];
      auto first = first_attention_chunk(row.first);
      if (index == first)
        std::copy_n(others + r * size, size, parts + r * size);
      else if (index > first && index < attention_chunks(row.limit))
        add_part(parts + r * size, others + r * size, width);
    }
  }

  static bool all_begin(const row_group& group, std::size_t index) {
    auto rows = group.task.rows + group.first;
    return std::all_of(rows, rows + group.rows, [index](auto& row) {
      return first_attention_chunk(row.first) == index;
    });
  }

  static void attend(const attention_task& task, float* scratch) {
    auto width = task.place.width();
    auto size = attention_part(width);
    auto parts = scratch;                    // [count, part]
    auto others = parts + task.count * size; // of a group
    auto queries = others + task.count * size;
    order_queries(task, queries);
    auto limit = largest_limit(task);
    auto end = (limit + kv_block_tokens - 1) / kv_block_tokens;
    auto first = first_chunk(task);
    for (auto c = first; c < attention_chunks(limit); ++c)
      for (std::size_t g = 0; g < count_groups(task); ++g) {
        auto group = group_of(task, g, queries);
        auto to = parts + group.first * size;
        if (all_begin(group, c)) {
          attend_chunk(group, c, end, to, size);
        } else {
          attend_chunk(group, c, end, others, size);
          add_chunk(group, c, others, to);
        }
      }
    for (std::size_t r = 0; r < task.count; ++r) {
      auto& row = task.rows[r];
      finish(parts + r * size, width, row.sink, task.place.head, row.result);
    }
  }

  static void attend_chunks(const attention_task& task, std::size_t begin,
                            std::size_t end, float* parts, std::size_t stride,
                            float* scratch) {
    auto size = attention_part(task.place.width());
    order_queries(task, scratch);
    auto blocks = (std::min(largest_limit(task), end * attention_chunk)
                   + kv_block_tokens - 1)
                  / kv_block_tokens;
    for (auto c = begin; c < end; ++c)
      for (std::size_t g = 0; g < count_groups(task); ++g) {
        auto group = group_of(task, g, scratch);
        attend_chunk(group, c, blocks,
                     parts + (group.first * stride + c - begin) * size,
                     stride * size);
      }
  }

  static constexpr attention_kernels table(const char* name) {
    return {name, kv_store_loops<Lanes>::store, attend, attend_chunks, merge};
  }
};

} // namespace model_server
