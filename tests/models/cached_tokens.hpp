// A sequence in the cache, for the tests of attention.
#pragma once

#include "models/kernels/attention.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
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
  std::vector<std::vector<float>> keys, values; // [tokens][head], rounded

  cached_tokens(const attention_kernels& kernels, number_format format,
                std::size_t head, std::size_t tokens, unsigned seed = 1)
      : kernels_(kernels), random_(seed) {
    auto size = format == number_format::f16 ? 2u : 4u;
    // Something stands before and between.
    place = {format, head, 64, 64 + 16 * head * size + 128};
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
    std::vector<float> ones(place.head / 2, 1.0f), zeros(place.head / 2);
    kernels_.store(place, key.data(), value.data(), ones.data(), zeros.data(),
                   reinterpret_cast<std::byte*>(blocks.back().data()), slot);
    for (auto numbers : {&key, &value})
      for (auto& x : *numbers)
        x = rounded(x);
    keys.push_back(key);
    values.push_back(value);
  }

  float rounded(float x) const {
    return place.format == number_format::f16 ? to_float(to_float16(x)) : x;
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
            std::min(count, rows.size() - first)};
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

} // namespace model_server::testing
