// Tests who holds which block.
#include "models/engine/kv_block_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

using namespace model_server;

TEST(kv_block_pool_test, a_block_is_free_again_after_its_last_holder) {
  kv_block_pool pool{2};
  auto block = pool.take().value();
  pool.hold(block);
  pool.drop(block);
  EXPECT_EQ(pool.free(), 1u);
  pool.drop(block);
  EXPECT_EQ(pool.free(), 2u);
  EXPECT_EQ(pool.take(), block); // its memory is warm
}

TEST(kv_block_pool_test, gives_no_more_than_there_are) {
  kv_block_pool pool{2};
  EXPECT_NE(pool.take(), pool.take());
  EXPECT_EQ(pool.take(), std::nullopt);
  EXPECT_EQ(kv_block_pool{0}.take(), std::nullopt);
}

TEST(kv_block_pool_test, counts_like_a_naive_model_whatever_comes) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random{seed};
    std::size_t size = random() % 12;
    kv_block_pool pool{size};
    std::map<block_id, std::uint32_t> holders; // of those in use
    for (int i = 0; i < 500; ++i) {
      auto choice = random() % 3;
      if (choice == 0 || holders.empty()) {
        auto block = pool.take();
        ASSERT_EQ(block.has_value(), holders.size() < size);
        if (block) {
          ASSERT_LT(*block, size);
          ASSERT_TRUE(holders.emplace(*block, 1).second);
        }
      } else {
        auto item =
            std::next(holders.begin(),
                      static_cast<std::ptrdiff_t>(random() % holders.size()));
        auto is_hold = choice == 1;
        is_hold ? pool.hold(item->first) : pool.drop(item->first);
        item->second += is_hold ? 1 : -1;
        if (item->second == 0)
          holders.erase(item);
      }
      for (auto [block, count] : holders)
        ASSERT_EQ(pool.holders(block), count);
      ASSERT_EQ(pool.free(), size - holders.size());
      ASSERT_NO_THROW(pool.check_invariants());
    }
  }
}
