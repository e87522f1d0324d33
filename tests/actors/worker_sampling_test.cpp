// What a worker makes of sampling fields: refusals, ends, logprobs.
#include "tests/actors/worker_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class worker_sampling_test : public worker_fixture {
protected:
  // `set` changes the usual sampling.
  template <class Set>
  failure refusal(Set set) {
    auto what = order("a");
    set(what.request.sampling);
    auto refused = send(what);
    run();
    EXPECT_TRUE(refused.answer->failed);
    return refused.answer->failed.value_or(failure{});
  }
};

} // namespace

TEST_F(worker_sampling_test, refuses_token_ids_that_the_model_does_not_have) {
  plan->vocabulary = 5;
  load();
  EXPECT_EQ(refusal([](auto& x) {
              x.logit_bias = {{4, 1.0}, {5, 1.0}};
            }),
            (failure{errc::out_of_range,
                     "logit_bias.5: there is no token 5; the model's ids are 0 "
                     "to 4",
                     "logit_bias.5", 0}));
  EXPECT_EQ(refusal([](auto& x) {
              x.stop_tokens = {0, 4, 7};
            }),
            (failure{errc::out_of_range,
                     "stop_token_ids[2]: there is no token 7; the model's ids "
                     "are 0 to 4",
                     "stop_token_ids[2]", 0}));
}

TEST_F(worker_sampling_test, refuses_what_needs_scores_where_there_are_none) {
  load();
  EXPECT_EQ(refusal([](auto& x) {
              x.logit_bias = {{1, 1.0}};
            }).param,
            "logit_bias");
  EXPECT_EQ(refusal([](auto& x) { x.top_logprobs = 0; }).code,
            errc::unsupported_field);
}

TEST_F(worker_sampling_test, ends_at_a_stop_token_which_is_no_part_of_it) {
  load();
  auto what = order("a");
  what.request.sampling.stop_tokens = {3};
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::stop);
}

TEST_F(worker_sampling_test, passes_over_stop_tokens_before_min_tokens) {
  load();
  auto what = order("a");
  what.request.sampling.stop_tokens = {1, 2, 3};
  what.request.sampling.min_tokens = 2;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), "1 2");
}

TEST_F(worker_sampling_test, sends_logprobs_with_each_token_if_asked) {
  plan->vocabulary = 5;
  plan->tokens_per_step = 3;
  load();
  auto what = order("a");
  what.request.sampling.top_logprobs = 2;
  auto a = send(what), b = send("b");
  run();
  std::vector<float> logprobs;
  for (const auto& chunk : a.got->chunks)
    for (const auto& item : chunk.tokens) {
      logprobs.push_back(item.logprob);
      EXPECT_THAT(item.likeliest, SizeIs(2));
    }
  EXPECT_THAT(logprobs, ElementsAre(-1.0f, -2.0f, -3.0f, -4.0f));
  // At the start of a turn a text loses its space, a likely one as well.
  EXPECT_EQ(a.got->chunks[0].tokens[0].likeliest[1],
            (likely_token{"1", -2.0f}));
  EXPECT_EQ(a.got->chunks[0].tokens[1].likeliest[1],
            (likely_token{" 1", -2.0f}));
  for (const auto& item : b.got->chunks.at(0).tokens)
    EXPECT_THAT(item.likeliest, IsEmpty());
}

TEST_F(worker_sampling_test, makes_no_logprobs_again_for_a_log) {
  plan->vocabulary = 5;
  load();
  auto what = order("a");
  what.request.sampling.top_logprobs = 0;
  what.log = {1, 2};
  what.resumed = true;
  auto a = send(what);
  run();
  ASSERT_THAT(a.got->chunks.front().tokens, SizeIs(1));
  EXPECT_EQ(a.got->chunks.front().first, 3u);
  EXPECT_EQ(a.got->chunks.front().tokens[0].logprob, -3.0f);
}

} // namespace model_server
