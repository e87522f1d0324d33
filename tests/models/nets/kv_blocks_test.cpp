#include "models/nets/kv_blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace model_server {
namespace {

TEST(kv_layout_test, keys_and_values_of_all_heads_fill_a_block_apart) {
  for (auto format :
       {number_format::f16, number_format::f32, number_format::i8})
    for (std::size_t head : {16, 24, 64, 80}) {
      kv_layout layout{
          .layers = 3, .kv_heads = 2, .head = head, .format = format};
      std::vector<char> used(layout.bytes_of_block());
      auto take_bytes = [&](std::size_t begin, std::size_t bytes) {
        ASSERT_LE(begin + bytes, used.size());
        for (auto i = begin; i < begin + bytes; ++i)
          ASSERT_EQ(std::exchange(used[i], 1), 0) << "byte " << i;
      };
      auto take = [&](std::size_t begin, std::size_t numbers) {
        take_bytes(begin, numbers * kv_block_tokens * size_of(format));
      };
      for (std::size_t layer = 0; layer < 3; ++layer)
        for (std::size_t kv_head = 0; kv_head < 2; ++kv_head) {
          auto place = layout.place(layer, kv_head);
          EXPECT_EQ(place.format, format);
          EXPECT_EQ(place.head, head);
          take(place.keys, head);
          take(place.values, place.width());
          if (format == number_format::i8) {
            take_bytes(place.key_units(), 32);
            take_bytes(place.value_units(), 32);
          }
        }
      EXPECT_LT(std::ranges::count(used, 0), 64);
    }
}

TEST(kv_layout_test, a_vector_of_values_lies_in_one_line) {
  kv_layout layout{.layers = 2, .kv_heads = 3, .head = 24};
  EXPECT_EQ(layout.bytes_of_block() % 64, 0u);
  for (std::size_t layer = 0; layer < 2; ++layer)
    for (std::size_t kv_head = 0; kv_head < 3; ++kv_head) {
      EXPECT_EQ(layout.place(layer, kv_head).keys % 32, 0u);
      EXPECT_EQ(layout.place(layer, kv_head).values % 32, 0u);
    }
}

TEST(kv_layout_test, eight_bits_take_half_of_sixteen_and_their_units) {
  kv_layout layout{.layers = 30, .kv_heads = 3, .head = 64};
  auto halves = layout.bytes_of_block();
  layout.format = number_format::i8;
  EXPECT_EQ(layout.bytes_of_block(), halves / 2 + 30 * 3 * 2 * 32);
  EXPECT_LT(layout.bytes_of_block(), halves * 52 / 100);
}

TEST(kv_blocks_test, blocks_lie_apart_are_aligned_and_begin_with_zeros) {
  kv_layout layout{.layers = 1, .kv_heads = 1, .head = 16};
  kv_blocks blocks{layout, 5};
  for (block_id id = 0; id < 5; ++id) {
    auto block = blocks.block(id);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
    EXPECT_TRUE(std::all_of(block, block + layout.bytes_of_block(),
                            [](std::byte x) { return x == std::byte{0}; }));
    std::fill_n(block, layout.bytes_of_block(), std::byte{1});
  }
}

TEST(kv_blocks_test, what_is_moved_keeps_its_place) {
  kv_layout layout{.layers = 1, .kv_heads = 1, .head = 16};
  kv_blocks first{layout, 2};
  auto block = first.block(1);
  kv_blocks second{std::move(first)};
  EXPECT_EQ(second.block(1), block);
  kv_blocks third;
  third = std::move(second);
  EXPECT_EQ(third.block(1), block);
}

TEST(kv_blocks_test, too_many_are_refused_with_their_size) {
  kv_layout layout{.layers = 1, .kv_heads = 1, .head = 64};
  auto count = (std::size_t{1} << 62) / layout.bytes_of_block();
  try {
    kv_blocks blocks{layout, count};
    FAIL() << "there was room";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string{error.what()}.find(
                  std::to_string(count * layout.bytes_of_block())),
              std::string::npos)
        << error.what();
  }
}

} // namespace
} // namespace model_server
