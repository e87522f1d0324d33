// Tests what a request may ask of a draw, against slow and obvious definitions.
#include "models/engine/sampler.hpp"
#include "tests/models/slow_sampling.hpp"

#include <gmock/gmock.h>

#include <array>

using namespace model_server;
using namespace model_server::testing;
using ::testing::ElementsAre;
using ::testing::SizeIs;

namespace {

chances_t chances_of(scores_t scores, const sampling_params& params,
                     const std::vector<token_id>& tokens,
                     std::size_t prompt_size) {
  penalties{}.apply(scores, params, tokens, prompt_size);
  candidates left;
  left.warp(scores, range_of(scores).best, params);
  chances_t result;
  for (std::size_t i = 0; i < left.size(); ++i)
    if (left.weight(i) > 0.0f)
      result[left.id(i)] = left.weight(i);
  return normalized(result);
}

/// The tokens that can follow a prompt of one token 0 and this reply.
std::vector<token_id> support(const scores_t& scores,
                              const sampling_params& params,
                              const std::vector<token_id>& reply = {}) {
  std::vector<token_id> tokens{0}, result;
  tokens.insert(tokens.end(), reply.begin(), reply.end());
  for (auto [id, chance] : chances_of(scores, params, tokens, 1))
    result.push_back(id);
  return result;
}

template <class... Ts>
auto one_of(std::mt19937& random, Ts... values) {
  std::array list{values...};
  return list[random() % list.size()];
}

sampling_params random_params(std::mt19937& random, std::size_t count) {
  auto any = [&] { return static_cast<token_id>(random() % count); };
  sampling_params result;
  result.temperature = one_of(random, 0.4, 1.0, 2.2);
  result.top_p = one_of(random, 1.0, 1.0, 0.95, 0.6);
  result.min_p = one_of(random, 0.0, 0.0, 0.04, 0.3);
  result.typical_p = one_of(random, 1.0, 0.9, 0.5, 0.2);
  result.top_k = one_of(random, 0, 0, 7, 60);
  result.repetition_penalty = one_of(random, 1.0, 1.3, 0.8);
  result.presence_penalty = one_of(random, 0.0, 0.7, -1.0);
  result.frequency_penalty = one_of(random, 0.0, 0.4, -0.3);
  auto bias = any();
  result.logit_bias = {{bias, one_of(random, -100.0, -1.0, 2.5)}};
  result.end_tokens = {any(), any()};
  result.stop_tokens = {any()};
  result.min_tokens = one_of(random, 0u, 5u);
  result.ignore_eos = one_of(random, false, true);
  return result;
}

} // namespace

TEST(sampler_fields_test, all_fields_together_are_the_definitions) {
  std::mt19937 random{3};
  for (std::uint32_t round = 0; round < 2000; ++round) {
    SCOPED_TRACE(round);
    std::size_t count = one_of(random, 20, 100, 333);
    auto scores = random_scores(count, round, one_of(random, 0.5f, 2.0f, 6.0f));
    auto params = random_params(random, count);
    std::vector<token_id> tokens(1 + random() % 12);
    for (auto& token : tokens)
      token = static_cast<token_id>(random() % count);
    auto expected = slow_chances(scores, params, tokens, 1);
    auto found = chances_of(scores, params, tokens, 1);
    std::erase_if(expected, [](auto one) { return one.second < 1e-37; });
    ASSERT_THAT(found, SizeIs(expected.size()));
    for (auto [id, chance] : expected)
      ASSERT_NEAR(found[id], chance, 1e-5) << "token " << id;
  }
}

TEST(sampler_fields_test, draws_are_spread_as_the_definitions_say) {
  std::mt19937 random{5};
  sampler drawer;
  int beyond = 0;
  for (std::uint32_t round = 0; round < 40; ++round) {
    auto scores = random_scores(30, round, 1.5f);
    auto params = random_params(random, 30);
    std::vector<token_id> tokens{1, 2, 3, 3};
    auto expected = slow_chances(scores, params, tokens, 1);
    std::map<token_id, int> counts;
    constexpr int draws = 4000;
    for (int i = 0; i < draws; ++i) {
      auto copy = scores;
      params.seed = static_cast<std::uint64_t>(i) * 977 + round;
      ++counts[*drawer.draw(copy, params, tokens, 1)];
    }
    for (auto [id, count] : counts)
      ASSERT_TRUE(expected.contains(id)) << "token " << id << " has no chance";
    // Pearson's statistic over what is expected five times at least; it has
    // the mean f and the variance 2 f for f degrees of freedom.
    double statistic = 0.0, freedom = -1.0;
    for (auto [id, chance] : expected)
      if (auto mean = chance * draws; mean >= 5.0) {
        statistic += (counts[id] - mean) * (counts[id] - mean) / mean;
        freedom += 1.0;
      }
    beyond += statistic > freedom + 3.5 * std::sqrt(2.0 * freedom) + 3.5;
  }
  EXPECT_LE(beyond, 1);
}

TEST(sampler_fields_test, typical_p_prefers_what_is_as_surprising_as_the_mean) {
  auto score = [](double chance) {
    return static_cast<float>(std::log(chance));
  };
  // Entropy 1.09: the surprises are 0.92, 0.92, 1.61, and 0.17, 0.17, 0.52 away
  // from it.
  scores_t scores{score(0.4), score(0.4), score(0.2)};
  EXPECT_THAT(support(scores, {.typical_p = 0.1}), ElementsAre(0, 1));
  EXPECT_THAT(support(scores, {.typical_p = 0.9}), ElementsAre(0, 1, 2));
  // The likeliest token may be the one that is out: 0.51, 2.3 and 2.3 of 1.23.
  scores_t peaked{score(0.6), score(0.1), score(0.1), score(0.1), score(0.1)};
  EXPECT_THAT(support(peaked, {.typical_p = 0.3}), ElementsAre(0));
  scores_t flat{score(0.3),  score(0.07), score(0.07), score(0.07),
                score(0.07), score(0.07), score(0.07), score(0.07),
                score(0.07), score(0.07), score(0.07)};
  EXPECT_THAT(support(flat, {.typical_p = 0.5}),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(sampler_fields_test, a_bias_is_added_before_everything_else) {
  sampling_params params{.temperature = 0.0, .logit_bias = {{1, 3.0}}};
  scores_t scores{1, 0, 2};
  EXPECT_EQ(sampler{}.draw(scores, params, std::vector<token_id>{0}, 1), 1);
  // 0 + 3 is halved by the penalty, (0 / 2) + 3 would win.
  params.repetition_penalty = 2.0;
  scores = {1, 0, 2};
  EXPECT_EQ(sampler{}.draw(scores, params, std::vector<token_id>{1}, 1), 2);
}

TEST(sampler_fields_test, nothing_ends_a_reply_before_min_tokens) {
  sampling_params params{
      .stop_tokens = {3}, .end_tokens = {1}, .min_tokens = 2};
  scores_t scores(5, 0.0f);
  EXPECT_THAT(support(scores, params), ElementsAre(0, 2, 4));
  EXPECT_THAT(support(scores, params, {4}), ElementsAre(0, 2, 4));
  EXPECT_THAT(support(scores, params, {4, 4}), ElementsAre(0, 1, 2, 3, 4));
}

TEST(sampler_fields_test, ignore_eos_forbids_end_tokens_but_no_stop_tokens) {
  sampling_params params{
      .stop_tokens = {3}, .end_tokens = {1, 99}, .ignore_eos = true};
  EXPECT_THAT(support(scores_t(5, 0.0f), params), ElementsAre(0, 2, 3, 4));
}

TEST(sampler_fields_test, a_token_ends_a_reply_by_the_same_rule) {
  sampling_params params{
      .stop_tokens = {3}, .end_tokens = {1}, .min_tokens = 2};
  EXPECT_FALSE(params.is_end(0, 5));
  EXPECT_FALSE(params.is_end(3, 1));
  EXPECT_TRUE(params.is_end(3, 2));
  // A model that says its end token all the same has nothing more to say.
  EXPECT_TRUE(params.is_end(1, 0));
}

TEST(sampler_fields_test, a_reply_goes_on_anywhere_as_it_would_have) {
  std::mt19937 random{8};
  for (std::uint32_t round = 0; round < 30; ++round) {
    auto params = random_params(random, 50);
    params.seed = round;
    // The scores after a log are a function of it, as a model's are.
    auto extend = [&](sampler& drawer, sequence& item) {
      auto scores = random_scores(
          50, static_cast<std::uint32_t>(item.tokens.size() * 31) + round,
          2.0f);
      drawer.extend(item, scores);
    };
    sequence whole;
    whole.tokens = {4, 5};
    whole.prompt_size = 2;
    whole.sampling = params;
    auto begin = whole;
    sampler one;
    for (int i = 0; i < 20; ++i)
      extend(one, whole);
    for (std::size_t cut = 0; cut < 20; cut += 3) {
      auto rest = begin;
      rest.tokens.assign(whole.tokens.begin(),
                         whole.tokens.begin()
                             + static_cast<std::ptrdiff_t>(2 + cut));
      sampler another;
      while (rest.tokens.size() < whole.tokens.size())
        extend(another, rest);
      ASSERT_EQ(rest.tokens, whole.tokens) << "cut at " << cut;
    }
  }
}
