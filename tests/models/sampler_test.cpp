// Tests the draw of a token: random numbers, penalties, filters, and chances.
#include "models/engine/sampler.hpp"

#include "models/engine/fast_exp.hpp"
#include "models/engine/philox.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>

using namespace model_server;
using ::testing::ElementsAre;

namespace {

constexpr auto infinity = std::numeric_limits<float>::infinity();
constexpr auto not_a_number = std::numeric_limits<float>::quiet_NaN();

using scores_t = std::vector<float>;

// Draws after a prompt of one token 0 and a reply of `reply`.
std::optional<token_id> draw(scores_t scores, const sampling_params& params,
                             const std::vector<token_id>& reply = {}) {
  std::vector<token_id> tokens{0};
  tokens.insert(tokens.end(), reply.begin(), reply.end());
  return sampler{}.draw(scores, params, tokens, 1);
}

// How often each token is drawn with the seeds 0, 1, 2, ...
std::vector<int> histogram(const scores_t& scores, sampling_params params,
                           int draws) {
  std::vector<int> result(scores.size());
  sampler drawer;
  std::vector<token_id> tokens{0};
  for (int i = 0; i < draws; ++i) {
    auto copy = scores;
    params.seed = static_cast<std::uint64_t>(i);
    ++result[static_cast<std::size_t>(*drawer.draw(copy, params, tokens, 1))];
  }
  return result;
}

// The tokens that are drawn at all.
std::set<token_id> support(const scores_t& scores,
                           const sampling_params& params) {
  std::set<token_id> result;
  auto counts = histogram(scores, params, 2000);
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0)
      result.insert(static_cast<token_id>(i));
  return result;
}

// Pearson's statistic of counts against chances that sum to 1; tokens without
// a chance must not occur.
double chi_square(const std::vector<int>& counts,
                  const std::vector<double>& chances) {
  auto total = std::accumulate(counts.begin(), counts.end(), 0);
  double result = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    auto expected = chances[i] * total;
    if (expected == 0.0)
      EXPECT_EQ(counts[i], 0) << "token " << i << " has no chance";
    else
      result += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return result;
}

std::vector<double> softmax(const scores_t& scores, double temperature) {
  std::vector<double> result;
  for (auto score : scores)
    result.push_back(std::exp(double{score} / temperature));
  auto sum = std::accumulate(result.begin(), result.end(), 0.0);
  for (auto& chance : result)
    chance /= sum;
  return result;
}

scores_t random_scores(std::size_t count, std::uint32_t seed, float spread) {
  std::mt19937 random{seed};
  std::normal_distribution<float> normal{0.0f, spread};
  scores_t result(count);
  for (auto& score : result)
    score = normal(random);
  return result;
}

} // namespace

// --- random numbers ----------------------------------------------------------

TEST(philox_test, gives_the_published_answers) {
  // From the known answers that come with the paper's own library, Random123.
  EXPECT_THAT(philox({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                     {0xffffffff, 0xffffffff}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                     {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(philox_test, every_seed_and_position_has_its_own_number) {
  std::set<double> seen;
  for (std::uint64_t seed : {0ull, 1ull, 1ull << 32, ~0ull})
    for (std::uint64_t position : {0ull, 1ull, 2ull, 1ull << 32})
      seen.insert(uniform_at(seed, position));
  EXPECT_EQ(seen.size(), 16u);
  for (auto number : seen)
    EXPECT_TRUE(number >= 0.0 && number < 1.0) << number;
}

TEST(philox_test, numbers_are_spread_evenly_over_seeds_and_positions) {
  std::vector<int> by_seed(64), by_position(64);
  for (std::uint64_t i = 0; i < 64'000; ++i) {
    ++by_seed[static_cast<std::size_t>(uniform_at(i, 3) * 64)];
    ++by_position[static_cast<std::size_t>(uniform_at(3, i) * 64)];
  }
  std::vector<double> chances(64, 1.0 / 64);
  // 63 degrees of freedom: above 103.4 in one case of a thousand.
  EXPECT_LT(chi_square(by_seed, chances), 103.4);
  EXPECT_LT(chi_square(by_position, chances), 103.4);
}

TEST(fast_exp_test, is_right_to_two_units_in_the_last_place) {
  for (float x = 0.0f; x > -87.0f; x -= 0.00137f) {
    auto exact = std::exp(double{x});
    ASSERT_NEAR(exp_of_negative(x), exact, exact * 2.5e-7) << x;
  }
  EXPECT_EQ(exp_of_negative(0.0f), 1.0f);
  EXPECT_EQ(exp_of_negative(-88.0f), 0.0f);
  EXPECT_EQ(exp_of_negative(-infinity), 0.0f);
}

// --- greedy ------------------------------------------------------------------

TEST(sampler_test, temperature_0_takes_the_best) {
  EXPECT_EQ(draw({1, 3, 2}, {.temperature = 0.0}), 1);
  auto many = random_scores(50'000, 1, 3.0f);
  many[41'234] = 100.0f;
  EXPECT_EQ(draw(many, {.temperature = 0.0}), 41'234);
}

TEST(sampler_test, among_equals_temperature_0_takes_the_lowest_id) {
  EXPECT_EQ(draw({1, 3, 3, 3}, {.temperature = 0.0}), 1);
  EXPECT_EQ(draw(scores_t(1000, 0.0f), {.temperature = 0.0}), 0);
}

TEST(sampler_test, forbidden_tokens_are_never_drawn) {
  EXPECT_EQ(draw({-infinity, -5, -infinity}, {.temperature = 0.0}), 1);
  for (std::uint64_t seed = 0; seed < 100; ++seed)
    EXPECT_EQ(draw({-infinity, -5, -infinity}, {.seed = seed}), 1);
}

TEST(sampler_test, unusable_scores_give_no_token) {
  for (auto temperature : {0.0, 1.0})
    for (std::size_t place : {0u, 5u, 17u, 39u}) {
      scores_t scores(40, 1.0f);
      scores[place] = not_a_number;
      EXPECT_EQ(draw(scores, {.temperature = temperature}), std::nullopt);
      scores[place] = infinity;
      EXPECT_EQ(draw(scores, {.temperature = temperature}), std::nullopt);
      EXPECT_EQ(
          draw(scores_t(place + 1, -infinity), {.temperature = temperature}),
          std::nullopt);
    }
}

// --- penalties ---------------------------------------------------------------

TEST(sampler_test, repetition_is_punished_in_prompt_and_reply) {
  // Token 0 is the prompt, 1 the reply; positive scores are divided, negative
  // ones multiplied.
  sampling_params params{.temperature = 0.0, .repetition_penalty = 2.0};
  EXPECT_EQ(draw({3, 2.9f, 1.6f}, params, {1}), 2);
  EXPECT_EQ(draw({3.3f, 2.9f, 1.6f}, params, {1}), 0);
  EXPECT_EQ(draw({-1, -1, -1.9f}, params, {1}), 2);
  EXPECT_EQ(draw({-1, -1, -2.1f}, params, {1}), 0);
}

TEST(sampler_test, repetition_is_punished_once_however_often_it_occurs) {
  sampling_params params{.temperature = 0.0, .repetition_penalty = 2.0};
  EXPECT_EQ(draw({0, 4, 1.9f}, params, {1, 1, 1, 1}), 1);
}

TEST(sampler_test, presence_and_frequency_count_the_reply_alone) {
  EXPECT_EQ(draw({1, 0, 0.5f}, {.temperature = 0.0, .presence_penalty = 2.0}),
            0);
  EXPECT_EQ(draw({1, 3, 1.5f}, {.temperature = 0.0, .presence_penalty = 1.4},
                 {1, 1, 1}),
            1);
  EXPECT_EQ(draw({1, 3, 1.5f}, {.temperature = 0.0, .frequency_penalty = 0.6},
                 {1, 1, 1}),
            2);
  EXPECT_EQ(draw({1, 3, 1.5f}, {.temperature = 0.0, .frequency_penalty = -1.0},
                 {0, 0, 0}),
            0);
}

TEST(sampler_test, a_draw_leaves_no_trace) {
  sampler drawer;
  sampling_params params{.temperature = 0.0, .frequency_penalty = 1.0};
  std::vector<token_id> first{0, 1, 1, 1}, second{0};
  scores_t scores{0, 2, 1};
  EXPECT_EQ(drawer.draw(scores, params, first, 1), 2);
  scores = {0, 2, 1};
  EXPECT_EQ(drawer.draw(scores, params, second, 1), 1);
}

// --- filters -----------------------------------------------------------------

TEST(sampler_test, top_k_keeps_the_best_and_ties_with_the_last) {
  EXPECT_THAT(support({1, 4, 2, 3, 0}, {.top_k = 2}), ElementsAre(1, 3));
  EXPECT_THAT(support({1, 1, 2, 1, 0}, {.top_k = 2}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(support({1, 1.1f, 1.2f}, {.top_k = 7}), ElementsAre(0, 1, 2));
  EXPECT_THAT(support({1, 1.1f, 1.2f}, {.top_k = 1}), ElementsAre(2));
}

TEST(sampler_test, top_k_brings_back_nothing_that_is_forbidden) {
  EXPECT_THAT(support({-infinity, 1, -infinity, 2, -infinity}, {.top_k = 3}),
              ElementsAre(1, 3));
}

TEST(sampler_test, top_p_keeps_the_fewest_that_reach_it) {
  auto score = [](double chance) {
    return static_cast<float>(std::log(chance));
  };
  scores_t scores{score(0.1), score(0.4), score(0.2), score(0.3)};
  EXPECT_THAT(support(scores, {.top_p = 0.01}), ElementsAre(1));
  EXPECT_THAT(support(scores, {.top_p = 0.39}), ElementsAre(1));
  EXPECT_THAT(support(scores, {.top_p = 0.41}), ElementsAre(1, 3));
  EXPECT_THAT(support(scores, {.top_p = 0.71}), ElementsAre(1, 2, 3));
  EXPECT_THAT(support(scores, {.top_p = 0.95}), ElementsAre(0, 1, 2, 3));
}

TEST(sampler_test, top_p_among_equals_keeps_lower_ids) {
  EXPECT_THAT(support(scores_t(10, 1.0f), {.top_p = 0.25}),
              ElementsAre(0, 1, 2));
}

TEST(sampler_test, top_p_counts_what_top_k_left) {
  auto score = [](double chance) {
    return static_cast<float>(std::log(chance));
  };
  // Of the two that are left, the first has 4 / 7.
  scores_t scores{score(0.4), score(0.3), score(0.2), score(0.1)};
  EXPECT_THAT(support(scores, {.top_p = 0.5, .top_k = 2}), ElementsAre(0));
  EXPECT_THAT(support(scores, {.top_p = 0.6, .top_k = 2}), ElementsAre(0, 1));
}

TEST(sampler_test, min_p_keeps_what_is_near_the_best) {
  auto score = [](double chance) {
    return static_cast<float>(std::log(chance));
  };
  scores_t scores{score(0.4), score(0.3), score(0.21), score(0.09)};
  EXPECT_THAT(support(scores, {.min_p = 0.5}), ElementsAre(0, 1, 2));
  EXPECT_THAT(support(scores, {.min_p = 0.7}), ElementsAre(0, 1));
  EXPECT_THAT(support(scores, {.min_p = 1.0}), ElementsAre(0));
}

TEST(sampler_test, a_temperature_near_0_is_almost_greedy) {
  EXPECT_THAT(support({1, 1.001f, 1}, {.temperature = 1e-6}), ElementsAre(1));
  EXPECT_THAT(support({1, 1.001f, 1}, {.temperature = 1e-300}), ElementsAre(1));
}

// The definitions, step by step over sorted lists in double precision.
token_id draw_slowly(const scores_t& scores, const sampling_params& params,
                     std::uint64_t position) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(
      order, [&](auto a, auto b) { return scores[a] > scores[b]; });
  std::vector<double> weights(scores.size());
  auto best = scores[order[0]];
  for (auto i : order)
    weights[i] = std::exp((double{scores[i]} - best) / params.temperature);
  if (params.top_k > 0 && params.top_k < static_cast<int>(scores.size())) {
    auto last = scores[order[static_cast<std::size_t>(params.top_k) - 1]];
    for (auto i : order)
      if (scores[i] < last)
        weights[i] = 0.0;
  }
  auto total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double before = 0.0;
  for (auto i : order) {
    auto weight = weights[i];
    if (params.top_p < 1.0 && before >= params.top_p * total)
      weights[i] = 0.0;
    before += weight;
  }
  for (auto& weight : weights)
    if (weight < params.min_p)
      weight = 0.0;
  total = std::accumulate(weights.begin(), weights.end(), 0.0);
  auto left = uniform_at(params.seed, position) * total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (left < weights[i])
      return static_cast<token_id>(i);
    left -= weights[i];
  }
  return -1;
}

TEST(sampler_test, draws_as_the_definitions_say) {
  std::mt19937 random{7};
  sampler drawer;
  auto one_of = [&random](auto... values) {
    std::array list{values...};
    return list[random() % list.size()];
  };
  for (std::uint32_t round = 0; round < 3000; ++round) {
    std::size_t count = one_of(1, 2, 15, 16, 17, 100, 256, 257, 1000);
    auto scores = random_scores(count, round, one_of(0.3f, 1.0f, 5.0f));
    sampling_params params{.temperature = one_of(0.3, 1.0, 2.5),
                           .top_p = one_of(1.0, 0.99, 0.9, 0.5, 0.1),
                           .min_p = one_of(0.0, 0.0, 0.05, 0.3),
                           .top_k = one_of(0, 0, 1, 5, 50, 90),
                           .seed = random()};
    std::vector<token_id> tokens(1 + random() % 5, 0);
    auto expected = draw_slowly(scores, params, tokens.size() - 1);
    auto copy = scores;
    ASSERT_EQ(drawer.draw(copy, params, tokens, 1), expected)
        << "round " << round;
  }
}

// --- chances -----------------------------------------------------------------

TEST(sampler_test, tokens_come_as_often_as_their_scores_say) {
  auto scores = random_scores(40, 11, 1.0f);
  for (auto temperature : {0.5, 1.0, 2.0}) {
    auto counts = histogram(scores, {.temperature = temperature}, 40'000);
    // 39 degrees of freedom: above 72.1 in one case of a thousand.
    EXPECT_LT(chi_square(counts, softmax(scores, temperature)), 72.1)
        << temperature;
  }
}

TEST(sampler_test, what_is_left_keeps_its_proportions) {
  scores_t scores{0.0f, 1.0f, 0.5f, -1.0f, 0.2f};
  auto counts = histogram(scores, {.top_k = 3}, 40'000);
  auto chances = softmax({-infinity, 1.0f, 0.5f, -infinity, 0.2f}, 1.0);
  // 2 degrees of freedom.
  EXPECT_LT(chi_square(counts, chances), 13.8);
}

TEST(sampler_test, the_tokens_of_one_reply_are_independent_draws) {
  // Pairs of neighbours under one seed, over positions.
  scores_t scores(8, 0.0f);
  std::vector<int> pairs(64);
  std::vector<token_id> tokens{0};
  sampler drawer;
  token_id last = 0;
  for (int i = 0; i < 32'000; ++i) {
    auto copy = scores;
    auto token = *drawer.draw(copy, {.seed = 5}, tokens, 1);
    if (i % 2 == 1)
      ++pairs[static_cast<std::size_t>(last * 8 + token)];
    last = token;
    tokens.push_back(token);
  }
  EXPECT_LT(chi_square(pairs, std::vector<double>(64, 1.0 / 64)), 103.4);
}

TEST(sampler_test, the_same_seed_and_place_give_the_same_token) {
  auto scores = random_scores(5000, 3, 1.0f);
  sampling_params params{.top_p = 0.9, .seed = 99};
  sampler busy;
  auto copy = scores;
  busy.draw(copy, {.temperature = 0.7, .top_k = 10, .seed = 1},
            std::vector<token_id>{0, 1, 2}, 1);
  copy = scores;
  EXPECT_EQ(busy.draw(copy, params, std::vector<token_id>{0, 1, 2}, 2),
            draw(scores, params, {5}));
}
