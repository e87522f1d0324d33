// Attention over the cache, written once for any vector of 16 floats.
#pragma once

#include "models/kernels/attention_tiles.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cstddef>

// Included by loops_*.cpp as loops.hpp is.

namespace model_server {

/// `Lanes` as for `loops`.
template <class Lanes>
struct attention_loops {
  using vector = typename Lanes::vector;
  static constexpr std::size_t lanes = 16;

  // --- what is stored --------------------------------------------------------

  template <class Number>
  static void store_as(const kv_place& place, const float* key,
                       const float* value, std::byte* block, std::size_t slot) {
    auto keys = reinterpret_cast<Number*>(block + place.keys) + slot;
    auto values =
        reinterpret_cast<Number*>(block + place.values) + slot * lanes;
    for (std::size_t i = 0; i < place.head; i += lanes) {
      auto count = std::min(lanes, place.head - i);
      Number rounded[lanes];
      Lanes::store(rounded, Lanes::load_some(key + i, count));
      for (std::size_t j = 0; j < count; ++j)
        keys[(i + j) * lanes] = rounded[j];
      Lanes::store(values + i * kv_block_tokens,
                   Lanes::load_some(value + i, count));
    }
  }

  static void store(const kv_place& place, float* key, const float* value,
                    const float* cosines, const float* sines, std::byte* block,
                    std::size_t slot) {
    loops<Lanes>::rotate(key, cosines, sines, 1.0f, key, place.head / 2);
    if (place.format == number_format::f16)
      store_as<float16>(place, key, value, block, slot);
    else
      store_as<float>(place, key, value, block, slot);
  }

  // --- parts -----------------------------------------------------------------

  // Adds a part to that of the chunks before it.
  static inline void add_part(float* to, const float* part, std::size_t width) {
    auto best = Lanes::load(to + width + lanes);
    auto other = Lanes::load(part + width + lanes);
    auto both = Lanes::larger(best, other);
    auto factor = loops<Lanes>::exp_of_negative(Lanes::subtract(best, both));
    auto others = loops<Lanes>::exp_of_negative(Lanes::subtract(other, both));
    for (std::size_t i = 0; i <= width; i += lanes)
      Lanes::store(to + i,
                   Lanes::fma(Lanes::load(to + i), factor,
                              Lanes::multiply(Lanes::load(part + i), others)));
    Lanes::store(to + width + lanes, both);
  }

  static inline void finish(const float* part, std::size_t width,
                            std::size_t head, float* result) {
    auto factor = Lanes::spread(1.0f / Lanes::sum(Lanes::load(part + width)));
    for (std::size_t i = 0; i < head; i += lanes)
      Lanes::store_some(result + i,
                        Lanes::multiply(Lanes::load(part + i), factor),
                        std::min(lanes, head - i));
  }

  static void merge(float* parts, std::size_t count, std::size_t head,
                    float* result) {
    auto width = kv_place{.head = head}.width();
    for (std::size_t c = 1; c < count; ++c)
      add_part(parts, parts + c * attention_part(width), width);
    finish(parts, width, head, result);
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

  // The parts of a chunk, `stride` floats apart. Of the blocks behind it those
  // before block `end` are read next.
  template <class Number, std::size_t Rows>
  static void attend_rows(const row_group& group, std::size_t index,
                          std::size_t end, float* parts, std::size_t stride) {
    using tile = attention_tile<Lanes, Number, Rows>;
    auto& task = group.task;
    auto begin = index * attention_chunk;
    std::size_t seen[Rows];
    for (std::size_t r = 0; r < Rows; ++r) {
      auto limit = task.rows[group.first + r].limit;
      seen[r] = std::min(std::max(limit, begin) - begin, attention_chunk);
    }
    auto most = *std::max_element(seen, seen + Rows);
    auto least = *std::min_element(seen, seen + Rows);
    auto first = begin / kv_block_tokens;
    auto count = (most + kv_block_tokens - 1) / kv_block_tokens;
    if (count == 0)
      return;
    cache_stretch stretch{task.blocks + first, count, end - first - count,
                          task.place};
    alignas(64) float scores[Rows * attention_chunk];
    tile::score(stretch, group.queries, scores);
    for (std::size_t r = 0; r < Rows; ++r)
      if (seen[r] > 0)
        tile::weigh(scores + r * attention_chunk, seen[r], task.place.width(),
                    parts + r * stride);
    // What not all see is added to each that sees it.
    tile::mix(stretch, 0, least, scores, parts, stride);
    for (std::size_t r = 0; r < Rows; ++r)
      attention_tile<Lanes, Number, 1>::mix(stretch, least, seen[r],
                                            scores + r * attention_chunk,
                                            parts + r * stride, stride);
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
    if (group.task.place.format == number_format::f16)
      attend_group<float16>(group, index, end, parts, stride);
    else
      attend_group<float>(group, index, end, parts, stride);
  }

  // --- tasks -----------------------------------------------------------------

  static void attend(const attention_task& task, float* scratch) {
    auto width = task.place.width();
    auto size = attention_part(width);
    auto parts = scratch;                    // [count, part]
    auto others = parts + task.count * size; // of a group
    auto queries = others + task.count * size;
    order_queries(task, queries);
    auto limit = largest_limit(task);
    auto end = (limit + kv_block_tokens - 1) / kv_block_tokens;
    for (std::size_t c = 0; c < attention_chunks(limit); ++c)
      for (std::size_t g = 0; g < count_groups(task); ++g) {
        auto group = group_of(task, g, queries);
        auto to = parts + group.first * size;
        attend_chunk(group, c, end, c == 0 ? to : others, size);
        for (std::size_t r = 0; c > 0 && r < group.rows; ++r)
          if (task.rows[group.first + r].limit > c * attention_chunk)
            add_part(to + r * size, others + r * size, width);
      }
    for (std::size_t r = 0; r < task.count; ++r)
      finish(parts + r * size, width, task.place.head, task.rows[r].result);
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
                     parts + (group.first * stride + c) * size, stride * size);
      }
  }

  static constexpr attention_kernels table(const char* name) {
    return {name, store, attend, attend_chunks, merge};
  }
};

} // namespace model_server
