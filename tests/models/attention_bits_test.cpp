// Tests that attention gives a row the same bits in any company, split and
// form.
#include "tests/models/cached_tokens.hpp"

#include "models/kernels/kernel_set.hpp"

#include <gtest/gtest.h>

#include <cstring>

using namespace model_server;
using namespace model_server::testing;

namespace {

struct shape {
  std::size_t head, tokens, group;
};

constexpr shape shapes[] = {{64, 1000, 3}, {64, 300, 7},  {48, 257, 1},
                            {80, 700, 2},  {128, 256, 4}, {8, 2100, 8},
                            {10, 513, 5},  {32, 40, 6},   {16, 530, 16},
                            {64, 2100, 12}};

constexpr number_format formats[] = {number_format::f32, number_format::f16,
                                     number_format::i8};

// Some last tokens of a sequence, each with all heads of its group.
query_rows last_tokens(std::mt19937& random, const shape& of) {
  std::vector<std::size_t> limits;
  auto tokens = max_attention_rows / of.group;
  for (auto t = of.tokens - std::min(of.tokens, tokens); t < of.tokens; ++t)
    limits.insert(limits.end(), of.group, t + 1);
  auto count = limits.size() * of.head;
  return {random_floats(random, count, 0.3f), limits};
}

} // namespace

TEST(attention_bits_test, do_not_depend_on_company_or_pieces) {
  std::mt19937 random{4};
  for (auto form : usable_kernels())
    for (auto format : formats)
      for (auto& shape : shapes) {
        auto& kernels = *form->attention;
        cached_tokens cache{kernels, format, shape.head, shape.tokens};
        auto queries = last_tokens(random, shape);
        auto together = attend(kernels, cache, queries);
        EXPECT_EQ(attend_alone(kernels, cache, queries), together)
            << form->name << ", head " << shape.head;
        for (int i = 0; i < 3; ++i)
          EXPECT_EQ(attend_in_pieces(kernels, cache, queries, random), together)
              << form->name << ", head " << shape.head;
      }
}

TEST(attention_bits_test, do_not_depend_on_the_limits_of_others) {
  std::mt19937 random{5};
  for (auto form : usable_kernels()) {
    auto& kernels = *form->attention;
    cached_tokens cache{kernels, number_format::f16, 40, 600};
    for (int i = 0; i < 30; ++i) {
      std::vector<std::size_t> limits(1 + random() % max_attention_rows);
      for (auto& limit : limits)
        limit = 1 + random() % 600;
      query_rows queries{random_floats(random, limits.size() * 40), limits};
      auto together = attend(kernels, cache, queries);
      EXPECT_EQ(attend_alone(kernels, cache, queries), together);
      EXPECT_EQ(attend_in_pieces(kernels, cache, queries, random), together);
    }
  }
}

TEST(attention_bits_test, are_the_same_in_every_form) {
  for (auto format : formats)
    for (auto& shape : shapes) {
      std::vector<float> first;
      std::vector<std::vector<float>> first_blocks;
      for (auto form : usable_kernels()) {
        std::mt19937 random{6};
        auto& kernels = *form->attention;
        cached_tokens cache{kernels, format, shape.head, shape.tokens};
        auto queries = last_tokens(random, shape);
        auto result = attend(kernels, cache, queries);
        if (first.empty()) {
          first = result;
          first_blocks = cache.blocks;
        }
        EXPECT_EQ(result, first) << form->name << ", head " << shape.head;
        for (std::size_t b = 0; b < cache.blocks.size(); ++b)
          ASSERT_EQ(std::memcmp(cache.blocks[b].data(), first_blocks[b].data(),
                                4 * first_blocks[b].size()),
                    0);
      }
    }
}
