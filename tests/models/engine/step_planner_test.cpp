// Tests who reads what in a step, and who gives way.
#include "models/engine/step_planner.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

using namespace model_server;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr std::size_t plenty = 1000;

// A read as a test writes it down: who, and how many.
using who_reads = std::pair<sequence_id, std::size_t>;

class step_planner_test : public ::testing::Test {
protected:
  // A sequence whose prompt has `size` tokens that nobody else has.
  sequence& add(std::size_t size) {
    auto& item = *sequences.emplace_back(std::make_unique<sequence>());
    item.id = sequences.size();
    item.tokens.assign(size, static_cast<token_id>(item.id));
    item.prompt_size = size;
    return item;
  }

  // Plans a step and lets it happen: who has read everything gets a token.
  std::vector<who_reads> step(std::vector<sequence*> batch,
                              std::size_t budget = plenty) {
    std::vector<who_reads> result;
    for (auto& read : planner.plan(batch, budget)) {
      result.emplace_back(read.item->id, read.count);
      auto is_last = read.is_last();
      planner.finish(read);
      if (is_last)
        read.item->tokens.push_back(static_cast<token_id>(read.item->id));
    }
    planner.check_invariants();
    return result;
  }

  std::vector<std::unique_ptr<sequence>> sequences;
  step_planner planner{10};
};

} // namespace

TEST_F(step_planner_test, prompts_are_read_in_pieces_beside_who_decodes) {
  auto &a = add(3), &b = add(50), &c = add(20);
  EXPECT_THAT(step({&a}), ElementsAre(who_reads{1, 3}));
  EXPECT_THAT(step({&a, &b, &c}, 30),
              ElementsAre(who_reads{1, 1}, who_reads{2, 30}));
  EXPECT_EQ(planner.decoding(), 1u);
  EXPECT_THAT(step({&a, &b, &c}, 30),
              ElementsAre(who_reads{1, 1}, who_reads{2, 20}, who_reads{3, 10}));
  EXPECT_THAT(step({&a, &b, &c}, 0),
              ElementsAre(who_reads{1, 1}, who_reads{2, 1}));
  EXPECT_THAT(step({&a, &b, &c}, 30),
              ElementsAre(who_reads{1, 1}, who_reads{2, 1}, who_reads{3, 10}));
}

TEST_F(step_planner_test, the_oldest_is_who_came_first) {
  auto &a = add(20), &b = add(20);
  step({&b}, 5);
  EXPECT_THAT(step({&a, &b}, 20),
              ElementsAre(who_reads{2, 15}, who_reads{1, 5}));
}

TEST_F(step_planner_test, equal_prompts_that_come_together_are_read_once) {
  auto &a = add(40), &b = add(40), &c = add(40);
  b.tokens = c.tokens = a.tokens;
  EXPECT_THAT(step({&a, &b, &c}), ElementsAre(who_reads{1, 40}));
  EXPECT_FALSE(b.is_waiting); // it is not for memory
  EXPECT_THAT(step({&a, &b, &c}),
              ElementsAre(who_reads{1, 1}, who_reads{2, 8}, who_reads{3, 8}));
  EXPECT_EQ(a.cached_tokens, 0u);
  EXPECT_EQ(b.cached_tokens, 32u);
  EXPECT_EQ(c.cached_tokens, 32u);
  EXPECT_EQ(planner.cache().used(), 2u + 3u);
}

TEST_F(step_planner_test, who_has_another_prompt_waits_for_nobody) {
  auto &a = add(40), &b = add(40);
  b.tokens = a.tokens;
  b.tokens[20] = 99;
  EXPECT_THAT(step({&a, &b}, 16), ElementsAre(who_reads{1, 16}));
  EXPECT_THAT(step({&a, &b}), ElementsAre(who_reads{1, 24}, who_reads{2, 24}));
}

TEST_F(step_planner_test, a_prompt_read_before_is_found) {
  auto& a = add(40);
  step({&a});
  planner.release(a.id);
  EXPECT_EQ(planner.cache().used(), 0u);
  auto& b = add(64);
  std::copy_n(a.tokens.begin(), 20, b.tokens.begin());
  EXPECT_THAT(step({&b}), ElementsAre(who_reads{2, 48}));
  EXPECT_EQ(b.cached_tokens, 16u);
}

TEST_F(step_planner_test, a_resumed_reply_counts_its_prompt_only) {
  auto& a = add(60);
  step({&a});
  auto& b = add(20);
  b.tokens = a.tokens; // 20 of the prompt, the rest was made elsewhere
  step({&b});
  EXPECT_EQ(b.cached_tokens, 20u);
}

TEST_F(step_planner_test, the_newest_gives_its_blocks_to_an_older_one) {
  auto &a = add(64), &b = add(40), &c = add(40); // 4, 3 and 3 blocks
  step({&a, &b, &c});
  EXPECT_THAT(planner.losers(), IsEmpty());
  // The first needs a block for the token it has drawn.
  EXPECT_THAT(step({&a, &b, &c}),
              ElementsAre(who_reads{1, 1}, who_reads{2, 1}));
  EXPECT_THAT(planner.losers(), ElementsAre(3));
  EXPECT_TRUE(c.is_waiting);
  EXPECT_FALSE(b.is_waiting);
  EXPECT_EQ(c.tokens.size(), 41u); // what it had made is kept
  // Its full blocks were known, so it reads the rest when there is room.
  planner.release(b.id);
  EXPECT_THAT(step({&a, &c}), ElementsAre(who_reads{1, 1}, who_reads{3, 9}));
  EXPECT_FALSE(c.is_waiting);
}

TEST_F(step_planner_test, who_is_away_gives_way_before_who_takes_part) {
  auto &a = add(40), &b = add(64), &c = add(40);
  step({&a, &b, &c});
  EXPECT_THAT(step({&b, &c}), ElementsAre(who_reads{2, 1}, who_reads{3, 1}));
  EXPECT_THAT(planner.losers(), ElementsAre(1));
}

TEST_F(step_planner_test, a_long_prompt_takes_all_the_blocks_one_by_one) {
  auto &a = add(160), &b = add(30);
  step({&b});
  std::size_t read = 0;
  while (a.tokens.size() == 160) {
    auto reads = step({&b, &a}, 16);
    ASSERT_FALSE(reads.empty());
    read += reads.back().first == a.id ? reads.back().second : 0;
    if (a.is_waiting)
      planner.release(b.id);
  }
  EXPECT_EQ(read, 160u);
}
