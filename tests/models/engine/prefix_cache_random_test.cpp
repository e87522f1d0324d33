// Compares the prefix cache with a naive model that searches.
#include "models/engine/block_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

using namespace model_server;

namespace {

using token_list = std::vector<token_id>;

// Every block in one bucket.
std::uint64_t same_hash(block_id, block_tokens) {
  return 7;
}

// Knows beginnings by all their tokens, and searches.
struct naive_cache {
  struct beginning {
    std::size_t holders = 0;
    std::uint64_t idle_since = 0;
  };

  std::size_t size;
  std::size_t own = 0; // blocks that are not known
  std::uint64_t now = 0;
  std::map<token_list, beginning> known{};

  bool take() {
    if (own + known.size() == size) {
      auto oldest = known.end();
      for (auto i = known.begin(); i != known.end(); ++i)
        if (i->second.holders == 0
            && (oldest == known.end()
                || i->second.idle_since < oldest->second.idle_since))
          oldest = i;
      if (oldest == known.end())
        return false;
      known.erase(oldest);
    }
    ++own;
    return true;
  }
};

struct naive_table {
  std::size_t size = 0;
  std::size_t blocks = 0;

  static token_list beginning(const token_list& tokens, std::size_t blocks) {
    return {tokens.begin(),
            tokens.begin() + static_cast<std::ptrdiff_t>(blocks * 16)};
  }

  void share(naive_cache& cache, const token_list& tokens) {
    if (size % 16 != 0)
      return;
    cache.own -= blocks - size / 16;
    blocks = size / 16;
    while ((blocks + 1) * 16 < tokens.size()) {
      auto found = cache.known.find(beginning(tokens, blocks + 1));
      if (found == cache.known.end())
        return;
      ++found->second.holders;
      size = 16 * ++blocks;
    }
  }

  std::size_t reserve(naive_cache& cache, std::size_t count) {
    while (blocks * 16 < size + count && cache.take())
      ++blocks;
    return std::min(count, blocks * 16 - size);
  }

  void grow(naive_cache& cache, const token_list& tokens, std::size_t count) {
    auto full = size / 16;
    size += count;
    while (full < size / 16) {
      ++cache.known[beginning(tokens, ++full)].holders;
      --cache.own;
    }
  }

  void clear(naive_cache& cache, const token_list& tokens) {
    cache.own -= blocks - size / 16;
    for (auto full = size / 16; full > 0; --full) {
      auto& item = cache.known.at(beginning(tokens, full));
      if (--item.holders == 0)
        item.idle_since = ++cache.now;
    }
    size = blocks = 0;
  }
};

struct random_member {
  token_list tokens;
  std::unique_ptr<block_table> table;
  naive_table naive;
};

// Few different tokens, so that beginnings are often equal.
token_list random_tokens(std::mt19937& random) {
  token_list result(1 + random() % 70);
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = i % 16 == 0 ? static_cast<token_id>(random() % 2) : 5;
  return result;
}

void compare_with_naive(prefix_cache::hash_function hash, unsigned seed) {
  std::mt19937 random{seed};
  std::size_t size = 1 + random() % 14;
  kv_block_pool pool{size};
  prefix_cache cache{pool, true, hash};
  naive_cache naive{size};
  std::vector<random_member> members(4);
  // What each block holds, as a fingerprint of all tokens up to its end.
  std::vector<token_list> memory(size);
  for (auto& item : members)
    item.table = std::make_unique<block_table>(cache);
  for (int i = 0; i < 400; ++i) {
    auto& item = members[random() % members.size()];
    if (random() % 8 == 0) {
      item.table->clear();
      item.naive.clear(naive, item.tokens);
      item.tokens = random_tokens(random);
    }
    item.table->share(item.tokens);
    item.naive.share(naive, item.tokens);
    ASSERT_EQ(item.table->size(), item.naive.size);
    for (std::size_t b = 0; b < item.table->size() / 16; ++b)
      ASSERT_EQ(memory[item.table->blocks()[b]],
                naive_table::beginning(item.tokens, b + 1));
    std::size_t most = item.tokens.size() - item.table->size();
    std::size_t wanted = most == 0 ? 0 : random() % most;
    auto count = item.table->reserve(wanted);
    ASSERT_EQ(count, item.naive.reserve(naive, wanted));
    auto first = item.table->size() / 16;
    for (auto b = first; b < (item.table->size() + count) / 16; ++b)
      memory[item.table->blocks()[b]] =
          naive_table::beginning(item.tokens, b + 1);
    item.table->grow(item.tokens, count);
    item.naive.grow(naive, item.tokens, count);
    ASSERT_EQ(item.table->blocks().size(), item.naive.blocks);
    ASSERT_EQ(pool.free(), size - naive.own - naive.known.size());
    ASSERT_NO_THROW(cache.check_invariants());
  }
  members.clear();
  EXPECT_EQ(cache.used(), 0u);
}

} // namespace

TEST(prefix_cache_random_test, is_what_a_naive_model_is) {
  for (unsigned seed = 0; seed < 100; ++seed)
    ASSERT_NO_FATAL_FAILURE(compare_with_naive(prefix_cache::hash_of, seed));
}

TEST(prefix_cache_random_test, does_not_depend_on_the_hash) {
  for (unsigned seed = 0; seed < 100; ++seed)
    ASSERT_NO_FATAL_FAILURE(compare_with_naive(same_hash, seed));
}
