// Tests windows, sinks, caps and slopes against plain sums in double precision,
// and that they give a row the same bits in any company, split and form.
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

// What rows may have.
struct kinds {
  bool windows = false, sinks = false, slopes = false, cap = false;
};

class attention_kinds_test
    : public ::testing::TestWithParam<const kernel_set*> {
protected:
  const attention_kernels& kernels = *GetParam()->attention;
  std::mt19937 random{8};
  std::vector<float> sinks = random_floats(random, max_attention_rows, 3.0f);

  std::size_t draw(std::size_t least, std::size_t most) {
    return std::uniform_int_distribution{least, most}(random);
  }

  // Rows with limits anywhere; scores deviate by about `spread`.
  query_rows random_rows(std::size_t head, std::size_t tokens,
                         std::size_t count, float spread = 2.0f) {
    std::vector<std::size_t> limits(count);
    for (auto& limit : limits)
      limit = draw(1, tokens);
    limits[draw(0, count - 1)] = tokens;
    return {random_floats(random, count * head,
                          spread / std::sqrt(static_cast<float>(head))),
            limits};
  }

  void add_kinds(query_rows& queries, const kinds& with) {
    if (with.cap)
      queries.softcap = 1.5f;
    for (std::size_t r = 0; r < queries.rows.size(); ++r) {
      auto& row = queries.rows[r];
      if (with.windows && draw(0, 9) > 0)
        row.first = draw(0, row.limit - 1);
      if (with.sinks && draw(0, 3) > 0)
        row.sink = &sinks[r];
      if (with.slopes && draw(0, 3) > 0)
        row.slope = 1.0f / static_cast<float>(draw(1, 300));
    }
  }

  // Any combination.
  kinds random_kinds() {
    auto coin = [this] { return draw(0, 1) == 1; };
    return {coin(), coin(), coin(), coin()};
  }
};

INSTANTIATE_TEST_SUITE_P(forms, attention_kinds_test,
                         ::testing::ValuesIn(usable_kernels().begin(),
                                             usable_kernels().end()),
                         [](auto& of) { return std::string{of.param->name}; });

} // namespace

TEST_P(attention_kinds_test, each_is_right_for_all_sizes) {
  for (auto with :
       {kinds{.windows = true}, kinds{.sinks = true}, kinds{.slopes = true},
        kinds{.cap = true}, kinds{true, true, true, true}})
    for (auto format : formats)
      for (std::size_t head : {16u, 64u, 80u, 96u, 128u, 192u, 256u})
        for (std::size_t tokens : {1u, 17u, 256u, 300u, 1100u}) {
          cached_tokens cache{kernels, format, head, tokens};
          auto count = draw(1, max_attention_rows);
          auto queries = random_rows(head, tokens, count);
          add_kinds(queries, with);
          ASSERT_LT(error_of(kernels, cache, queries), 6e-6)
              << "head " << head << ", tokens " << tokens << ", rows " << count
              << ": " << with.windows << with.sinks << with.slopes << with.cap;
        }
}

TEST_P(attention_kinds_test, a_window_may_begin_and_end_anywhere) {
  cached_tokens cache{kernels, number_format::f16, 16, 800};
  for (std::size_t first = 0; first < 800; first += draw(1, 9)) {
    auto queries = random_rows(16, 800, 7);
    for (auto& row : queries.rows) {
      row.limit = draw(first + 1, 800);
      row.first = first - std::min(first, draw(0, 20));
    }
    ASSERT_LT(error_of(kernels, cache, queries), 6e-6) << first;
  }
}

TEST_P(attention_kinds_test, bits_do_not_depend_on_company_or_pieces) {
  for (int i = 0; i < 60; ++i) {
    auto head = 8 * draw(1, 10), tokens = draw(1, 900);
    cached_tokens cache{kernels, formats[draw(0, 2)], head, tokens};
    auto queries = random_rows(head, tokens, draw(1, max_attention_rows));
    add_kinds(queries, random_kinds());
    auto together = attend(kernels, cache, queries);
    EXPECT_EQ(attend_alone(kernels, cache, queries), together);
    EXPECT_EQ(attend_in_pieces(kernels, cache, queries, random), together);
  }
}

TEST_P(attention_kinds_test, bits_are_the_same_in_every_form) {
  for (int i = 0; i < 20; ++i) {
    auto head = draw(1, 100), tokens = draw(1, 700);
    cached_tokens cache{kernels, formats[draw(0, 2)], head, tokens};
    auto queries = random_rows(head, tokens, draw(1, max_attention_rows));
    add_kinds(queries, random_kinds());
    auto result = attend(kernels, cache, queries);
    EXPECT_EQ(attend(*usable_kernels().front()->attention, cache, queries),
              result);
  }
}

TEST_P(attention_kinds_test, blocks_before_every_window_are_not_touched) {
  cached_tokens cache{kernels, number_format::i8, 32, 1000};
  auto queries = random_rows(32, 1000, 20);
  for (auto& row : queries.rows) {
    row.limit = draw(801, 1000);
    row.first = draw(600, 800);
  }
  auto expected = attend(kernels, cache, queries);
  auto first =
      std::ranges::min_element(queries.rows, {}, &attention_row::first);
  for (std::size_t b = 0; b < first->first / kv_block_tokens; ++b)
    cache.addresses[b] = nullptr;
  EXPECT_EQ(attend(kernels, cache, queries), expected);
  EXPECT_EQ(attend_in_pieces(kernels, cache, queries, random), expected);
}

TEST_P(attention_kinds_test, poison_before_a_window_does_not_show) {
  auto nan = std::numeric_limits<float>::quiet_NaN();
  for (auto format : formats)
    for (bool is_key : {true, false})
      for (std::size_t place : {0u, 5u, 255u, 256u, 300u}) {
        cached_tokens clean{kernels, format, 32, 320};
        cached_tokens ill{kernels, format, 32, 0};
        for (std::size_t t = 0; t < 320; ++t) {
          auto key = clean.given_keys[t], value = clean.given_values[t];
          if (t == place)
            (is_key ? key : value).assign(32, nan);
          ill.append(key, value);
        }
        auto queries = random_rows(32, 320, max_attention_rows);
        add_kinds(queries, {true, true, true, true});
        auto expected = attend(kernels, clean, queries);
        auto result = attend(kernels, ill, queries);
        for (std::size_t r = 0; r < queries.rows.size(); ++r) {
          auto& row = queries.rows[r];
          auto sees = row.first <= place && place < row.limit;
          for (std::size_t i = r * 32; i < r * 32 + 32; ++i)
            if (sees)
              ASSERT_TRUE(std::isnan(result[i])) << place << " " << row.limit;
            else
              ASSERT_EQ(result[i], expected[i]) << place << " " << row.limit;
        }
      }
}

TEST_P(attention_kinds_test, a_cap_hides_no_infinity) {
  cached_tokens cache{kernels, number_format::f16, 16, 270};
  std::vector<float> key(16, 0.0f), value(16, 0.0f);
  key[3] = 1e30f; // too large for the cache
  cache.append(key, value);
  query_rows queries{std::vector<float>(16, 1.0f), {271}};
  queries.softcap = 30.0f;
  for (auto x : attend(kernels, cache, queries))
    EXPECT_FALSE(std::isfinite(x));
}

TEST_P(attention_kinds_test, a_large_sink_takes_all_the_weight) {
  cached_tokens cache{kernels, number_format::f32, 16, 20};
  auto queries = random_rows(16, 20, 3);
  auto expected = attend(kernels, cache, queries);
  float large = 1e30f, none = -std::numeric_limits<float>::infinity();
  for (auto& row : queries.rows)
    row.sink = &large;
  EXPECT_THAT(attend(kernels, cache, queries), ::testing::Each(0.0f));
  for (auto& row : queries.rows)
    row.sink = &none;
  EXPECT_THAT(attend(kernels, cache, queries),
              ::testing::Pointwise(::testing::FloatNear(1e-6f), expected));
}
