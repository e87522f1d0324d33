// Drives a batch_engine through random arrivals, steps and cancels.
#pragma once

#include "models/nets/batch_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace model_server::testing {

/// One request: its prompt, how it draws, and the tokens it must get.
struct engine_case {
  std::vector<token_id> prompt;
  sampling_params sampling;
  std::vector<token_id> expected;
  std::vector<place_logprobs> logprobs = {};
};

/// A sequence of a case that has `made` of its tokens already, and gets no more
/// than are known.
inline std::unique_ptr<sequence>
begin_sequence(const engine_case& from, sequence_id id, std::size_t made = 0) {
  auto result = std::make_unique<sequence>();
  result->id = id;
  result->tokens = from.prompt;
  result->prompt_size = from.prompt.size();
  result->sampling = from.sampling;
  result->max_tokens = from.expected.size();
  result->tokens.insert(result->tokens.end(), from.expected.begin(),
                        from.expected.begin()
                            + static_cast<std::ptrdiff_t>(made));
  return result;
}

/// Fills in what each case gives alone, token by token.
inline void run_alone(batch_engine& engine, std::vector<engine_case>& cases,
                      std::size_t length) {
  for (auto& item : cases) {
    auto alone = begin_sequence(item, 1);
    while (alone->reply_size() < length && alone->failure.empty()) {
      sequence* batch[] = {alone.get()};
      engine.step(batch, {.prompt_budget = 1});
    }
    engine.release(1);
    item.expected.assign(alone->tokens.begin()
                             + static_cast<std::ptrdiff_t>(alone->prompt_size),
                         alone->tokens.end());
    item.logprobs = alone->logprobs;
  }
}

/// Random traffic over some cases; every token that comes is compared.
class random_traffic {
public:
  random_traffic(batch_engine& engine, const std::vector<engine_case>& cases,
                 unsigned seed)
      : engine_(engine), cases_(cases), random_(seed) {
  }

  std::size_t cancels = 0;
  std::size_t stalls = 0;
  std::size_t cached = 0;
  std::size_t tokens = 0;

  /// Begins, steps and cancels at random, `rounds` times.
  void run(std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
      if (running_.size() < 6 && random_() % 3 == 0)
        begin();
      if (random_() % cancel_one_in == 0)
        cancel();
      ASSERT_NO_FATAL_FAILURE(step(random_() % 4 != 0));
    }
  }

  /// Runs what is left to its end.
  void finish() {
    while (!running_.empty())
      ASSERT_NO_FATAL_FAILURE(step(true));
    engine_.planner().check_invariants();
    ASSERT_EQ(engine_.planner().cache().used(), 0u);
  }

  void cancel_all() {
    while (!running_.empty())
      cancel();
    ASSERT_EQ(engine_.planner().cache().used(), 0u);
  }

  std::size_t cancel_one_in = 10;
  /// Checks who holds what after each step; slow.
  bool checks_blocks = true;
  /// Guesses up to so many tokens, and lets replies grow bit by bit.
  std::size_t most_guesses = 0;

private:
  struct running {
    const engine_case* from;
    std::unique_ptr<sequence> state;
    std::size_t made;
  };

  void begin() {
    auto& from = cases_[random_() % cases_.size()];
    auto made = random_() % 2 == 0 ? 0 : random_() % from.expected.size();
    running_.push_back({&from, begin_sequence(from, ++last_id_, made), made});
  }

  void cancel() {
    if (running_.empty())
      return;
    auto index = random_() % running_.size();
    engine_.release(running_[index].state->id);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
    ++cancels;
  }

  void step(bool all) {
    std::vector<sequence*> batch;
    for (auto& item : running_)
      if (all || random_() % 3 != 0)
        batch.push_back(item.state.get());
    step_orders orders{.prompt_budget = random_() % 40};
    if (most_guesses > 0) {
      orders.guesses = random_() % (most_guesses + 1);
      for (auto item : batch)
        item->reply_limit = item->reply_size() + 1 + random_() % most_guesses;
    }
    engine_.step(batch, orders);
    if (checks_blocks)
      engine_.planner().check_invariants();
    for (std::size_t i = 0; i < running_.size();)
      if (settle(running_[i]))
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
  }

  // Compares what a sequence has; true if it has everything.
  bool settle(running& item) {
    auto& state = *item.state;
    auto& expected = item.from->expected;
    stalls += state.is_waiting ? 1 : 0;
    EXPECT_EQ(state.failure, "");
    EXPECT_TRUE(std::equal(state.tokens.begin()
                               + static_cast<std::ptrdiff_t>(state.prompt_size),
                           state.tokens.end(), expected.begin()))
        << "a reply of case " << item.from - cases_.data();
    EXPECT_LE(state.reply_size(), std::min(state.reply_limit, expected.size()));
    EXPECT_TRUE(has_its_logprobs(item));
    if (state.reply_size() < expected.size())
      return false;
    tokens += expected.size();
    cached += state.cached_tokens;
    engine_.release(state.id);
    return true;
  }

  static bool has_its_logprobs(const running& item) {
    auto& made = item.state->logprobs;
    if (!item.from->sampling.top_logprobs)
      return made.empty();
    auto all = std::span{item.from->logprobs};
    auto size = item.state->reply_size() - item.made;
    return std::ranges::equal(made, all.subspan(item.made, size));
  }

  batch_engine& engine_;
  const std::vector<engine_case>& cases_;
  std::mt19937 random_;
  std::vector<running> running_;
  sequence_id last_id_ = 100;
};

} // namespace model_server::testing
