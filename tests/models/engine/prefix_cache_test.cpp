// Tests that blocks are found again by what they hold, and forgotten in order.
#include "models/engine/block_table.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace model_server;

namespace {

using token_list = std::vector<token_id>;

token_list numbers(std::size_t count, token_id first = 0) {
  token_list result(count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = first + static_cast<token_id>(i);
  return result;
}

class prefix_cache_test : public ::testing::Test {
protected:
  // Stores all but the last of `tokens`, as a reply would.
  void fill(block_table& table, const token_list& tokens) {
    table.share(tokens);
    auto count = tokens.size() - 1 - table.size();
    ASSERT_EQ(table.reserve(count), count);
    table.grow(tokens, count);
    cache.check_invariants();
  }

  kv_block_pool pool{6};
  prefix_cache cache{pool};
  block_table first{cache};
  block_table second{cache};
};

} // namespace

TEST_F(prefix_cache_test, equal_beginnings_are_the_same_blocks) {
  auto tokens = numbers(40);
  fill(first, tokens);
  tokens.back() = 77;
  second.share(tokens);
  EXPECT_EQ(second.size(), 32u);
  EXPECT_EQ(second.blocks()[0], first.blocks()[0]);
  EXPECT_EQ(second.blocks()[1], first.blocks()[1]);
  EXPECT_EQ(cache.used(), 3u);
}

TEST_F(prefix_cache_test, a_block_counts_with_all_that_stands_before_it) {
  fill(first, numbers(40));
  auto tokens = numbers(40);
  tokens[3] = 99; // the second block is the same, its past is not
  second.share(tokens);
  EXPECT_EQ(second.size(), 0u);
}

TEST_F(prefix_cache_test, the_last_token_is_always_left_to_read) {
  auto tokens = numbers(33);
  fill(first, tokens);
  tokens.pop_back(); // two blocks exactly
  second.share(tokens);
  EXPECT_EQ(second.size(), 16u);
}

TEST_F(prefix_cache_test, what_two_have_computed_is_kept_once) {
  auto tokens = numbers(20);
  ASSERT_EQ(first.reserve(20), 20u);
  ASSERT_EQ(second.reserve(20), 20u);
  EXPECT_EQ(cache.used(), 4u);
  first.grow(tokens, 20);
  second.grow(tokens, 20);
  EXPECT_EQ(cache.used(), 3u);
  EXPECT_EQ(first.blocks()[0], second.blocks()[0]);
  EXPECT_NE(first.blocks()[1], second.blocks()[1]);
  cache.check_invariants();
}

TEST_F(prefix_cache_test, what_nobody_uses_stays_until_its_memory_is_needed) {
  fill(first, numbers(40));
  first.clear();
  EXPECT_EQ(cache.used(), 0u);
  EXPECT_EQ(cache.idle(), 2u);
  ASSERT_EQ(second.reserve(5 * 16), 5u * 16u); // four were free
  EXPECT_EQ(cache.idle(), 1u);
  cache.check_invariants();
  // The later block went first.
  first.share(numbers(40));
  EXPECT_EQ(first.size(), 16u);
}

TEST_F(prefix_cache_test, used_again_is_forgotten_later) {
  fill(first, numbers(17));
  first.clear();
  fill(second, numbers(17, 1000));
  second.clear();
  first.share(numbers(17));
  first.clear();
  ASSERT_EQ(second.reserve(5 * 16), 5u * 16u);
  first.share(numbers(17, 1000));
  EXPECT_EQ(first.size(), 0u);
  first.share(numbers(17));
  EXPECT_EQ(first.size(), 16u);
}

TEST_F(prefix_cache_test, gives_as_much_room_as_there_is) {
  fill(first, numbers(40));
  EXPECT_EQ(second.reserve(100), 48u);
  EXPECT_EQ(first.reserve(100), 48u - 39u);
}

TEST_F(prefix_cache_test, one_that_does_not_share_learns_nothing) {
  prefix_cache lonely{pool, false};
  block_table table{lonely}, other{lonely};
  ASSERT_EQ(table.reserve(40), 40u);
  table.grow(numbers(41), 40);
  other.share(numbers(41));
  EXPECT_EQ(other.size(), 0u);
  table.clear();
  EXPECT_EQ(pool.free(), 6u);
}
