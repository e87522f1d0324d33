// Tests the memory of causal_lm: what is shared, what is bounded, who waits.
#include "tests/models/tiny_model.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <random>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(tiny_model_test, what_a_broken_reply_has_read_is_not_shared) {
  overwrite("model.embed_tokens.weight", 29 * 40 + 7,
            std::numeric_limits<float>::quiet_NaN());
  auto text = "abcdefghijklmnopqrstuvwxy" + std::string(20, 'a');
  auto entry = load(folder.path());
  // Tokens that are read together may spoil each other, here a full block.
  reply ill{*entry, 1, text.substr(0, 17) + "z", greedy};
  finish(*entry, ill, 1);
  EXPECT_THAT(ill.state.failure, HasSubstr("for token 1 of the reply"));
  entry->release(1);
  reply well{*entry, 2, text, greedy};
  finish(*entry, well, 3);
  EXPECT_EQ(well.state.failure, "");
  EXPECT_EQ(well.state.cached_tokens, 0u);
}

TEST_F(tiny_model_test, a_prompt_that_was_read_before_is_found) {
  auto entry = load(folder.path());
  auto text = std::string(50, 'a');
  reply first{*entry, 1, text, greedy}, second{*entry, 2, text, greedy};
  finish(*entry, first, 20);
  finish(*entry, second, 20);
  EXPECT_EQ(first.state.cached_tokens, 0u);
  EXPECT_EQ(second.state.cached_tokens, 48u);
  EXPECT_EQ(first.made(), second.made());
  // So is a reply, when it comes back in the next prompt.
  reply third{*entry, 3, text, greedy};
  auto made = first.made();
  third.state.tokens.insert(third.state.tokens.end(), made.begin(), made.end());
  third.state.prompt_size = third.state.tokens.size();
  finish(*entry, third, 1);
  EXPECT_EQ(third.state.cached_tokens, 64u);
}

TEST_F(tiny_model_test, the_memory_for_keys_and_values_bounds_the_context) {
  // 2 layers, 1 key head of 10 numbers, which take 16 as values.
  constexpr std::int64_t block = 2 * 16 * (10 + 16) * 2;
  EXPECT_THAT(refusal({{"kv_cache_memory", block - 1}}),
              AllOf(HasSubstr("`kv_cache_memory` is 1663 bytes"),
                    HasSubstr("for 16 tokens, takes 1664")));
  EXPECT_THAT(refusal({{"kv_cache_memory", std::string{"much"}}}),
              HasSubstr("kv_cache_memory"));
  auto context = [&](param_value memory) {
    return load(folder.path(), {{"kv_cache_memory", memory}})
        ->info()
        .context_length;
  };
  EXPECT_EQ(context(block), 16u);
  EXPECT_EQ(context(3 * block - 1), 32u);
  EXPECT_EQ(context(std::string{"1M"}), 128u);
  // Twice the numbers of bytes, half the tokens.
  EXPECT_EQ(load(folder.path(), {{"kv_cache_memory", 4 * block},
                                 {"kv_cache", std::string{"fp32"}}})
                ->info()
                .context_length,
            32u);
  // Half of them and the units, 32 bytes for keys and for values.
  constexpr std::int64_t units = 2 * (16 * (10 + 16) + 2 * 32);
  auto small = [&](std::int64_t memory) {
    return load(folder.path(), {{"kv_cache_memory", memory},
                                {"kv_cache", std::string{"int8"}}})
        ->info()
        .context_length;
  };
  EXPECT_EQ(small(units), 16u);
  EXPECT_EQ(small(3 * units - 1), 32u);
  EXPECT_THAT(refusal({{"kv_cache", std::string{"fp8"}}}),
              HasSubstr("parameter \"kv_cache\" is \"fp8\", but fp16, fp32 or "
                        "int8 is needed"));
}

TEST_F(tiny_model_test, replies_that_do_not_fit_together_take_turns) {
  auto roomy = load(folder.path());
  auto tight = load(folder.path(), {{"kv_cache_memory", std::int64_t{5 * 1664}},
                                    {"speculation", std::string{"off"}}});
  reply a{*tight, 1, std::string(30, 'a'), greedy};
  reply b{*tight, 2, std::string(30, 'b'), greedy};
  sequence* batch[] = {&a.state, &b.state};
  auto has_waited = false;
  while (a.state.reply_size() < 40) {
    tight->step(batch);
    EXPECT_FALSE(a.state.is_waiting);
    has_waited |= b.state.is_waiting;
  }
  EXPECT_TRUE(has_waited);
  EXPECT_GT(b.state.reply_size(), 0u);
  EXPECT_LT(b.state.reply_size(), 40u);
  tight->release(1);
  finish(*tight, b, 40);
  EXPECT_FALSE(b.state.is_waiting);
  for (auto one : {&a, &b}) {
    reply alone{*roomy, one->state.id, one->conversation.messages[0].content,
                greedy};
    finish(*roomy, alone, 40);
    EXPECT_EQ(one->made(), alone.made());
  }
}

TEST_F(tiny_model_test, cancels_at_any_moment_leave_all_the_memory) {
  // As much as one sequence needs.
  auto entry =
      load(folder.path(), {{"kv_cache_memory", std::int64_t{8 * 3328}}});
  reply untouched{*entry, 1, "ab", greedy};
  finish(*entry, untouched, 126);
  entry->release(1);
  std::mt19937 random{8};
  std::vector<std::unique_ptr<reply>> running;
  for (sequence_id id = 2; id < 1000; ++id) {
    auto text = std::string(1 + random() % 60, random() % 2 == 0 ? 'a' : 'b');
    running.push_back(std::make_unique<reply>(*entry, id, text, greedy));
    std::vector<sequence*> batch;
    for (auto& one : running)
      batch.push_back(&one->state);
    for (auto steps = random() % 3; steps > 0; --steps)
      entry->step(batch);
    while (running.size() > random() % 6) {
      auto index = random() % running.size();
      entry->release(running[index]->state.id);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
  for (auto& one : running)
    entry->release(one->state.id);
  reply last{*entry, 1000, "ab", greedy};
  while (last.state.reply_size() < 126) {
    sequence* batch[] = {&last.state};
    entry->step(batch);
    ASSERT_FALSE(last.state.is_waiting);
  }
  EXPECT_EQ(last.made(), untouched.made());
}
