// Tests attention over the cache against plain sums in double precision.
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

constexpr number_format formats[] = {number_format::f32, number_format::f16,
                                     number_format::i8};

class attention_test : public ::testing::TestWithParam<const kernel_set*> {
protected:
  const attention_kernels& kernels = *GetParam()->attention;
  std::mt19937 random{3};

  query_rows random_rows(std::size_t head,
                         const std::vector<std::size_t>& limits) {
    return {random_floats(random, limits.size() * head,
                          1.0f / std::sqrt(static_cast<float>(head))),
            limits};
  }
};

INSTANTIATE_TEST_SUITE_P(forms, attention_test,
                         ::testing::ValuesIn(usable_kernels().begin(),
                                             usable_kernels().end()),
                         [](auto& of) { return std::string{of.param->name}; });

} // namespace

TEST_P(attention_test, is_right_for_all_sizes) {
  for (auto format : formats)
    for (std::size_t head : {2u, 8u, 10u, 48u, 64u, 80u, 128u})
      for (std::size_t tokens : {1u, 15u, 16u, 17u, 100u, 300u}) {
        cached_tokens cache{kernels, format, head, tokens};
        for (std::size_t count : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 11u, 12u, 13u,
                                  29u, 48u}) {
          std::vector<std::size_t> limits(count);
          for (auto& limit : limits)
            limit = 1 + random() % tokens;
          limits[random() % count] = tokens;
          auto queries = random_rows(head, limits);
          ASSERT_LT(error_of(kernels, cache, queries), 4e-6)
              << "head " << head << ", tokens " << tokens << ", rows " << count;
        }
      }
}

TEST_P(attention_test, is_right_in_every_context) {
  cached_tokens cache{kernels, number_format::f16, 8, 2100};
  for (std::size_t tokens = 1; tokens <= 2100; tokens += 1 + tokens / 300) {
    auto queries = random_rows(8, {tokens, std::max<std::size_t>(1, tokens / 2)});
    ASSERT_LT(error_of(kernels, cache, queries), 4e-6) << tokens;
  }
}

TEST_P(attention_test, is_right_when_few_tokens_get_all_the_weight) {
  cached_tokens cache{kernels, number_format::f16, 64, 700};
  query_rows queries{random_floats(random, 5 * 64), {700, 699, 512, 257, 256}};
  EXPECT_LT(error_of(kernels, cache, queries), 2e-5);
}

TEST_P(attention_test, large_scores_do_not_overflow) {
  cached_tokens cache{kernels, number_format::f16, 16, 600};
  query_rows queries{random_floats(random, 2 * 16, 1e4f), {600, 40}};
  for (auto x : attend(kernels, cache, queries))
    EXPECT_TRUE(std::isfinite(x));
}

TEST_P(attention_test, keys_and_values_are_rounded_and_nothing_else_is_written) {
  for (auto format : {number_format::f32, number_format::f16})
    for (std::size_t head : {2u, 5u, 8u, 10u, 48u, 64u, 82u}) {
      kv_place place{format, head, 32, 32 + 64 * head};
      std::vector<float> block((place.values + 64 * place.width()) / 4 + 8, 5.0f);
      auto before = block;
      auto key = random_floats(random, head), value = random_floats(random, head);
      auto bytes = reinterpret_cast<std::byte*>(block.data());
      kernels.store(place, key.data(), value.data(), bytes, 13);
      // The same by hand.
      auto expected = reinterpret_cast<std::byte*>(before.data());
      auto put = [&](std::size_t offset, std::size_t index, float x) {
        auto half = to_float16(x);
        if (format == number_format::f16)
          std::memcpy(expected + offset + 2 * index, &half, 2);
        else
          std::memcpy(expected + offset + 4 * index, &x, 4);
      };
      for (std::size_t i = 0; i < place.width(); ++i)
        put(place.values, i / 16 * 256 + 13 * 16 + i % 16,
            i < head ? value[i] : 0.0f);
      for (std::size_t i = 0; i < head; ++i)
        put(place.keys, i * 16 + 13, key[i]);
      ASSERT_EQ(std::memcmp(block.data(), before.data(), block.size() * 4), 0)
          << "head " << head;
    }
}

// --- what is no number -------------------------------------------------------

TEST_P(attention_test, what_is_too_large_for_the_cache_shows) {
  // 65520 rounds to infinity; 65519 does not.
  for (auto large : {65519.0f, 65520.0f, -65520.0f, 1e30f})
    for (bool is_key : {true, false})
      for (auto sign : {1.0f, -1.0f, 0.0f}) {
        cached_tokens cache{kernels, number_format::f16, 16, 270};
        std::vector<float> key(16, 0.0f), value(16, 0.0f);
        (is_key ? key : value)[3] = large;
        cache.append(key, value);
        // A score of plus or minus infinity, or of no number.
        query_rows queries{std::vector<float>(16, sign), {271}};
        auto result = attend(kernels, cache, queries);
        auto is_finite = std::ranges::all_of(
            result, [](float x) { return std::isfinite(x); });
        EXPECT_EQ(is_finite, large == 65519.0f)
            << large << " " << is_key << " " << sign;
      }
}

TEST_P(attention_test, poison_does_not_pass_to_those_who_do_not_see_it) {
  auto nan = std::numeric_limits<float>::quiet_NaN();
  auto infinity = std::numeric_limits<float>::infinity();
  for (auto poison : {nan, infinity, -infinity})
    for (bool is_key : {true, false})
      for (std::size_t place : {0u, 5u, 255u, 256u, 300u}) {
        cached_tokens clean{kernels, number_format::f16, 32, 320};
        cached_tokens ill{kernels, number_format::f16, 32, 0};
        for (std::size_t t = 0; t < 320; ++t) {
          auto key = clean.given_keys[t], value = clean.given_values[t];
          if (t == place)
            (is_key ? key : value).assign(32, poison);
          ill.append(key, value);
        }
        std::vector<std::size_t> limits;
        for (auto limit : {1u, 5u, 6u, 255u, 256u, 257u, 258u, 300u, 301u, 320u})
          limits.push_back(limit);
        auto queries = random_rows(32, limits);
        auto expected = attend(kernels, clean, queries);
        auto result = attend(kernels, ill, queries);
        for (std::size_t r = 0; r < limits.size(); ++r)
          for (std::size_t i = r * 32; i < r * 32 + 32; ++i)
            if (limits[r] <= place)
              ASSERT_EQ(result[i], expected[i]) << place << " " << limits[r];
            else
              ASSERT_FALSE(std::isfinite(result[i]))
                  << place << " " << limits[r];
      }
}

TEST_P(attention_test, an_ill_query_spoils_no_other_row) {
  cached_tokens cache{kernels, number_format::f16, 32, 300};
  auto clean = random_rows(32, std::vector<std::size_t>(12, 300));
  auto expected = attend(kernels, cache, clean);
  clean.queries[3 * 32 + 7] = std::numeric_limits<float>::quiet_NaN();
  auto result = attend(kernels, cache, clean);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (i / 32 == 3)
      EXPECT_TRUE(std::isnan(result[i]));
    else
      EXPECT_EQ(result[i], expected[i]);
}
