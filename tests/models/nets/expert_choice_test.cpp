// Tests which experts a token gets.
#include "models/nets/expert_choice.hpp"

#include <gmock/gmock.h>

#include <cmath>

using namespace model_server;
using ::testing::ElementsAre;
using ::testing::FloatNear;

namespace {

std::vector<chosen_expert> choose(const experts_spec& spec,
                                  std::vector<float> scores,
                                  const std::vector<float>& correction = {}) {
  std::vector<chosen_expert> result;
  choose_experts(spec, scores, correction, result);
  return result;
}

std::vector<std::size_t> indexes(const std::vector<chosen_expert>& chosen) {
  std::vector<std::size_t> result;
  for (auto& item : chosen)
    result.push_back(item.index);
  return result;
}

float sigmoid(float x) {
  return 1.0f / (1.0f + std::exp(-x));
}

} // namespace

TEST(expert_choice_test, weights_are_a_softmax_over_all) {
  auto chosen = choose({.chosen = 2}, {0.0f, std::log(3.0f), std::log(4.0f)});
  EXPECT_THAT(indexes(chosen), ElementsAre(1, 2));
  EXPECT_THAT(chosen[0].weight, FloatNear(3.0f / 8, 1e-6f));
  EXPECT_THAT(chosen[1].weight, FloatNear(4.0f / 8, 1e-6f));
}

TEST(expert_choice_test, weights_may_be_divided_by_their_sum_and_scaled) {
  auto chosen = choose({.chosen = 2, .is_normalized = true, .scale = 2.0},
                       {0.0f, std::log(3.0f), std::log(4.0f)});
  EXPECT_THAT(chosen[0].weight, FloatNear(2 * 3.0f / 7, 1e-6f));
}

TEST(expert_choice_test, weights_may_be_a_softmax_over_the_chosen) {
  auto chosen =
      choose({.score = experts_spec::scoring::softmax_of_chosen, .chosen = 2},
             {5.0f, 1.0f, 5.0f + std::log(3.0f)});
  EXPECT_THAT(indexes(chosen), ElementsAre(0, 2));
  EXPECT_THAT(chosen[0].weight, FloatNear(0.25f, 1e-6f));
}

TEST(expert_choice_test, of_equal_ones_the_first_are_chosen) {
  EXPECT_THAT(indexes(choose({.chosen = 2}, {1.0f, 1.0f, 1.0f, 1.0f})),
              ElementsAre(0, 1));
}

TEST(expert_choice_test, a_correction_counts_for_the_choice_alone) {
  auto chosen = choose({.score = experts_spec::scoring::sigmoid, .chosen = 1},
                       {1.0f, 0.5f}, {0.0f, 0.9f});
  EXPECT_THAT(indexes(chosen), ElementsAre(1));
  EXPECT_THAT(chosen[0].weight, FloatNear(sigmoid(0.5f), 1e-6f));
}

TEST(expert_choice_test, the_choice_may_be_bound_to_the_best_groups) {
  // By its best the first group wins, by its best two the second.
  std::vector<float> scores{3.0f, -5.0f, 2.0f, 2.0f};
  experts_spec spec{.chosen = 2, .groups = 2, .chosen_groups = 1};
  EXPECT_THAT(indexes(choose(spec, scores)), ElementsAre(0, 1));
  spec.score = experts_spec::scoring::sigmoid;
  spec.counts_two_of_group = true;
  EXPECT_THAT(indexes(choose(spec, scores)), ElementsAre(2, 3));
}

TEST(expert_choice_test, numbers_that_are_none_do_no_harm) {
  auto chosen = choose({.chosen = 2}, {NAN, 1.0f, NAN, 2.0f});
  EXPECT_EQ(chosen.size(), 2u);
}
