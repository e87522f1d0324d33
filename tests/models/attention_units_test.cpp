// Tests the cache of 8 bits: what is stored, and what it costs in exactness.
#include "tests/models/cached_tokens.hpp"

#include "models/kernels/kernel_set.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

using namespace model_server;
using namespace model_server::testing;

namespace {

struct attention_units_test : ::testing::TestWithParam<const kernel_set*> {
  const attention_kernels& kernels = *GetParam()->attention;
  std::mt19937 random{9};

  // A token whose key is `key`, as it is stored.
  std::vector<float> stored(const std::vector<float>& key) const {
    cached_tokens cache{kernels, number_format::i8, key.size(), 0};
    cache.append(key, std::vector<float>(key.size(), 1.0f));
    return cache.keys[0];
  }
};

INSTANTIATE_TEST_SUITE_P(forms, attention_units_test,
                         ::testing::ValuesIn(usable_kernels().begin(),
                                             usable_kernels().end()),
                         [](auto& of) { return std::string{of.param->name}; });

// The size of a - b by that of b.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    size += double{b[i]} * b[i];
  }
  return std::sqrt(difference / size);
}

} // namespace

TEST_P(attention_units_test, numbers_are_off_by_half_a_unit_at_most) {
  for (std::size_t head : {1u, 8u, 10u, 64u, 80u, 192u})
    for (auto size : {1e-3f, 1.0f, 300.0f, 1e6f}) {
      auto key = random_floats(random, head, size);
      auto most = std::abs(*std::ranges::max_element(
          key, {}, [](float x) { return std::abs(x); }));
      auto result = stored(key);
      // A unit itself is rounded to 11 bits, or to steps of 2^-24.
      auto unit = most / 127.0f;
      auto off = std::max(unit * 0x1p-11f, 0x1p-25f) * 127.0f;
      for (std::size_t i = 0; i < head; ++i)
        ASSERT_NEAR(result[i], key[i], unit / 2.0f + off)
            << head << " " << size;
    }
}

TEST_P(attention_units_test, nothing_else_is_written) {
  for (std::size_t head : {5u, 16u, 40u}) {
    kv_place place{.format = number_format::i8, .head = head, .keys = 32};
    place.values = place.key_units() + 32 + 64;
    std::vector<float> block((place.value_units() + 32) / 4 + 8, 5.0f);
    auto before = block;
    auto key = random_floats(random, head), value = random_floats(random, head);
    auto bytes = reinterpret_cast<std::byte*>(block.data());
    kernels.store(place, key.data(), value.data(), bytes, 13);
    auto expected = reinterpret_cast<std::byte*>(before.data());
    auto take = [&](std::size_t begin, std::size_t count) {
      std::memcpy(expected + begin, bytes + begin, count);
    };
    for (std::size_t i = 0; i < head; ++i)
      take(place.keys + i * 16 + 13, 1);
    for (std::size_t i = 0; i < place.width(); ++i)
      take(place.values + i / 16 * 256 + 13 * 16 + i % 16, 1);
    take(place.key_units() + 2 * 13, 2);
    take(place.value_units() + 2 * 13, 2);
    EXPECT_EQ(std::memcmp(block.data(), before.data(), block.size() * 4), 0);
  }
}

TEST_P(attention_units_test, zeros_and_tiny_numbers_are_stored) {
  EXPECT_THAT(stored(std::vector<float>(40, 0.0f)), ::testing::Each(0.0f));
  for (auto x : stored(std::vector<float>(40, 1e-5f)))
    EXPECT_NEAR(x, 1e-5f, 4e-6f);
  EXPECT_THAT(stored(std::vector<float>(40, 1e-30f)), ::testing::Each(0.0f));
}

TEST_P(attention_units_test, what_is_no_number_or_too_large_shows) {
  for (auto ill : {std::numeric_limits<float>::quiet_NaN(),
                   std::numeric_limits<float>::infinity(), -1e7f, 3e38f})
    for (std::size_t place : {0u, 17u, 39u})
      for (bool is_key : {true, false}) {
        cached_tokens cache{kernels, number_format::i8, 40, 20};
        auto key = random_floats(random, 40), value = key;
        (is_key ? key : value)[place] = ill;
        cache.append(key, value);
        query_rows queries{random_floats(random, 40), {21}};
        for (auto x : attend(kernels, cache, queries))
          EXPECT_FALSE(std::isfinite(x)) << ill << " " << place << is_key;
      }
}

// Random keys and values, and scores that deviate by 1: the result is off by a
// hundredth at most. (0.6 to 0.8 percent were seen; 0.03 with f16.)
TEST_P(attention_units_test, results_are_off_by_a_hundredth_at_most) {
  for (std::size_t head : {64u, 80u, 128u})
    for (std::size_t tokens : {10u, 100u, 2000u}) {
      cached_tokens exact{kernels, number_format::f32, head, tokens};
      cached_tokens rounded{kernels, number_format::i8, head, tokens};
      query_rows queries{
          random_floats(random, 12 * head,
                        1.0f / std::sqrt(static_cast<float>(head))),
          std::vector<std::size_t>(12, tokens)};
      auto expected = attend(kernels, exact, queries);
      auto error = distance(attend(kernels, rounded, queries), expected);
      EXPECT_LT(error, 0.01) << head << " " << tokens;
      EXPECT_GT(error, 0.001);
    }
}
