// Tests the logprobs of drawn tokens.
#include "models/engine/sampler.hpp"
#include "tests/models/slow_sampling.hpp"

#include <gmock/gmock.h>

#include <numeric>

using namespace model_server;
using namespace model_server::testing;
using ::testing::FloatNear;
using ::testing::SizeIs;

namespace {

constexpr auto infinity = std::numeric_limits<float>::infinity();

} // namespace

TEST(logprobs_test, logprobs_are_those_of_the_model_itself) {
  auto scores = random_scores(1000, 4, 3.0f);
  scores[17] = -infinity;
  double total = 0.0;
  for (auto score : scores)
    total += std::exp(double{score});
  sequence item;
  item.tokens = {1, 2};
  item.prompt_size = 1;
  item.sampling = {.temperature = 0.3,
                   .top_k = 4,
                   .repetition_penalty = 1.7,
                   .logit_bias = {{17, 5.0}, {400, 100.0}},
                   .top_logprobs = 20};
  auto copy = scores;
  sampler{}.extend(item, copy);
  ASSERT_EQ(item.tokens.back(), 400);
  ASSERT_THAT(item.logprobs, SizeIs(1));
  auto logprob = [&](token_id id) {
    return static_cast<float>(double{scores[static_cast<std::size_t>(id)]}
                              - std::log(total));
  };
  EXPECT_THAT(item.logprobs[0].drawn, FloatNear(logprob(400), 1e-5f));
  std::vector<token_id> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, std::greater{}, logprob);
  ASSERT_THAT(item.logprobs[0].best, SizeIs(20));
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(item.logprobs[0].best[i].id, order[i]);
    EXPECT_THAT(item.logprobs[0].best[i].logprob,
                FloatNear(logprob(order[i]), 1e-5f));
  }
}

TEST(logprobs_test, logprobs_have_a_least_value_and_only_when_asked) {
  sequence item;
  item.tokens = {1};
  item.prompt_size = 1;
  item.sampling = {.temperature = 0.0,
                   .logit_bias = {{0, -100'000.0}, {1, -100'000.0}},
                   .top_logprobs = 2};
  scores_t scores{0, 0, -20'000, -infinity};
  sampler{}.extend(item, scores);
  ASSERT_EQ(item.tokens.back(), 2);
  EXPECT_EQ(item.logprobs[0].drawn, least_logprob);
  // Equals come with the lower id first.
  EXPECT_EQ(item.logprobs[0].best[0].id, 0);
  EXPECT_EQ(item.logprobs[0].best[1].id, 1);
  item.logprobs.clear();
  item.sampling.top_logprobs.reset();
  scores = {0, 1};
  item.sampling.logit_bias.clear();
  sampler{}.extend(item, scores);
  EXPECT_THAT(item.logprobs, SizeIs(0));
}

TEST(logprobs_test, unusable_scores_fail_the_sequence_alone) {
  sequence item;
  item.tokens = {0};
  item.prompt_size = 1;
  item.sampling.top_logprobs = 1;
  scores_t scores{1, std::numeric_limits<float>::quiet_NaN()};
  sampler{}.extend(item, scores);
  EXPECT_THAT(item.tokens, SizeIs(1));
  EXPECT_THAT(item.failure, ::testing::HasSubstr("token 1 of the reply"));
}
