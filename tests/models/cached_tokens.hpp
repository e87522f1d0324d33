// A sequence in the cache, for the tests of attention.
#pragma once

#include "models/kernels/attention.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace model_server::testing {

inline std::vector<float> random_floats(std::mt19937& random, std::size_t count,
                                        float spread = 1.0f) {
  std::normal_distribution<float> normal{0.0f, spread};
  std::vector<float> result(count);
  for (auto& x : result)
    x = normal(random);
  return result;
}

/// Random keys and values, stored by a form of the kernels. Behind the last
/// token the blocks hold what is no number.
struct cached_tokens {
  kv_place place;
  std::vector<std::vector<float>> blocks; // of bytes, but aligned
  std::vector<const std::byte*> addresses;
  std::vector<std::vector<float>> given_keys, given_values;
  std::vector<std::vector<float>> keys, values; // [tokens][head], as stored

  cached_tokens(const attention_kernels& kernels, number_format format,
                std::size_t head, std::size_t tokens, unsigned seed = 1)
      : kernels_(kernels), random_(seed) {
    place = {.format = format, .head = head, .keys = 64};
    // Something stands before and between.
    place.values = format == number_format::i8
                       ? place.key_units() + 32 + 128
                       : 64 + 16 * head * size_of(format) + 128;
    for (std::size_t t = 0; t < tokens; ++t)
      append(random_floats(random_, head), random_floats(random_, head));
  }

  void append(std::vector<float> key, std::vector<float> value) {
    auto slot = keys.size() % kv_block_tokens;
    if (slot == 0) {
      auto bytes = place.values + 16 * place.width() * 4;
      auto nan = std::bit_cast<float>(0x7FFF7FFFu); // as two halves as well
      blocks.emplace_back(bytes / 4, nan);
      addresses.push_back(reinterpret_cast<std::byte*>(blocks.back().data()));
    }
    kernels_.store(place, key.data(), value.data(),
                   reinterpret_cast<std::byte*>(blocks.back().data()), slot);
    given_keys.push_back(key);
    given_values.push_back(value);
    for (std::size_t i = 0; i < place.head; ++i) {
      key[i] = stored(place.keys, i * 16 + slot, place.key_units(), slot);
      value[i] = stored(place.values, i / 16 * 256 + slot * 16 + i % 16,
                        place.value_units(), slot);
    }
    keys.push_back(key);
    values.push_back(value);
  }

  // What a number of the last block is worth.
  float stored(std::size_t offset, std::size_t index, std::size_t units,
               std::size_t slot) const {
    auto read = [this](auto number, std::size_t byte) {
      std::memcpy(&number, addresses.back() + byte, sizeof(number));
      return number;
    };
    if (place.format == number_format::f32)
      return read(0.0f, offset + 4 * index);
    if (place.format == number_format::f16)
      return to_float(read(float16{}, offset + 2 * index));
    return static_cast<float>(read(std::int8_t{}, offset + index))
           * to_float(read(float16{}, units + 2 * slot));
  }

private:
  const attention_kernels& kernels_;
  std::mt19937 random_;
};

/// The rows of a task, and their results.
struct query_rows {
  std::size_t head;
  std::vector<float> queries, results;
  std::vector<attention_row> rows;
  float softcap = 0.0f;

  query_rows(std::vector<float> numbers, const std::vector<std::size_t>& limits)
      : head(numbers.size() / limits.size()),
        queries(std::move(numbers)),
        results(queries.size(), -7.0f) {
    for (std::size_t r = 0; r < limits.size(); ++r)
      rows.push_back({&queries[r * head], limits[r], &results[r * head]});
  }

  attention_task task(const cached_tokens& cache, std::size_t first = 0,
                      std::size_t count = max_attention_rows) const {
    return {cache.addresses.data(), cache.place, rows.data() + first,
            std::min(count, rows.size() - first), softcap};
  }
};

/// What `attend` gives to all rows.
inline std::vector<float> attend(const attention_kernels& kernels,
                                 const cached_tokens& cache,
                                 query_rows& queries) {
  std::vector<float> scratch(attention_scratch(cache.place.width()));
  for (std::size_t r = 0; r < queries.rows.size(); r += max_attention_rows)
    kernels.attend(queries.task(cache, r), scratch.data());
  return queries.results;
}

/// The largest difference of what `attend` gives from sums of doubles over the
/// rounded cache.
inline double error_of(const attention_kernels& kernels,
                       const cached_tokens& cache, query_rows& queries) {
  attend(kernels, cache, queries);
  double error = 0.0;
  for (auto& row : queries.rows) {
    std::vector<double> scores;
    for (auto t = row.first; t < row.limit; ++t) {
      double score = 0.0;
      for (std::size_t i = 0; i < queries.head; ++i)
        score += double{row.query[i]} * cache.keys[t][i];
      if (queries.softcap != 0.0f)
        score = queries.softcap * std::tanh(score / queries.softcap);
      scores.push_back(score - row.slope * double(row.limit - 1 - t));
    }
    auto best = std::ranges::max(scores);
    if (row.sink != nullptr)
      best = std::max(best, double{*row.sink});
    auto total = row.sink != nullptr ? std::exp(*row.sink - best) : 0.0;
    std::vector<double> expected(queries.head);
    for (auto t = row.first; t < row.limit; ++t) {
      auto weight = std::exp(scores[t - row.first] - best);
      total += weight;
      for (std::size_t i = 0; i < queries.head; ++i)
        expected[i] += weight * cache.values[t][i];
    }
    for (std::size_t i = 0; i < queries.head; ++i)
      error =
          std::max(error, std::abs(row.result[i] - expected[i] / total));
  }
  return error;
}

/// One row of a task each.
inline std::vector<float> attend_alone(const attention_kernels& kernels,
                                       const cached_tokens& cache,
                                       query_rows& queries) {
  std::vector<float> scratch(attention_scratch(cache.place.width()));
  for (std::size_t r = 0; r < queries.rows.size(); ++r)
    kernels.attend(queries.task(cache, r, 1), scratch.data());
  return queries.results;
}

/// In random pieces of the rows and of the chunks, put together at the end.
inline std::vector<float> attend_in_pieces(const attention_kernels& kernels,
                                           const cached_tokens& cache,
                                           query_rows& queries,
                                           std::mt19937& random) {
  std::vector<float> scratch(attention_scratch(cache.place.width()));
  auto size = attention_part(cache.place.width());
  auto chunks = attention_chunks(cache.keys.size());
  std::vector<float> parts(queries.rows.size() * chunks * size);
  for (std::size_t r = 0; r < queries.rows.size();) {
    auto count = std::min(1 + random() % 20, queries.rows.size() - r);
    for (std::size_t c = 0; c < chunks;) {
      auto end = std::min(c + 1 + random() % 3, chunks);
      kernels.attend_chunks(queries.task(cache, r, count), c, end,
                            parts.data() + (r * chunks + c) * size, chunks,
                            scratch.data());
      c = end;
    }
    r += count;
  }
  for (std::size_t r = 0; r < queries.rows.size(); ++r) {
    auto& row = queries.rows[r];
    auto first = first_attention_chunk(row.first);
    kernels.merge(parts.data() + (r * chunks + first) * size,
                  attention_chunks(row.limit) - first, row.sink,
                  cache.place.head, row.result);
  }
  return queries.results;
}

} // namespace model_server::testing
