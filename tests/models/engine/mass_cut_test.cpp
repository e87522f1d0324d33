// Tests the selection by mass against a sorted list.
#include "models/engine/mass_cut.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace model_server;

namespace {

constexpr order_key finest = 1 << 20;

// Whole numbers as weights: their sums have no rounding.
cut_place slow_find(const std::vector<float>& weights,
                    const std::vector<order_key>& keys, double mass) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (weights[i] > 0.0f)
      order.push_back(i);
  std::ranges::stable_sort(order, {}, [&](auto i) { return keys[i]; });
  for (auto i : order)
    if ((mass -= weights[i]) <= 0.0)
      return {keys[i], i};
  return {keys[order.back()], order.back()};
}

struct items {
  std::vector<float> weights;
  std::vector<order_key> keys;
};

// Keys up to `most`, a quarter of the weights 0.
items random_items(std::mt19937& random, std::size_t count, order_key most) {
  items result;
  std::uniform_int_distribution<order_key> key{0, most};
  for (std::size_t i = 0; i < count; ++i) {
    result.weights.push_back(static_cast<float>(random() % 4));
    result.keys.push_back(key(random));
  }
  result.weights[random() % count] = 1.0f;
  return result;
}

} // namespace

TEST(mass_cut_test, finds_what_sorting_finds) {
  std::mt19937 random{1};
  mass_cut cut;
  constexpr auto any_key = std::numeric_limits<order_key>::max();
  for (int round = 0; round < 3000; ++round) {
    // Few keys make ties; the others lie below, in and above the fine ranges.
    order_key most[] = {0, 9, finest, finest + (1 << 18), 1 << 29, any_key};
    auto [weights, keys] =
        random_items(random, 1 + random() % 200, most[random() % 6]);
    auto total = std::accumulate(weights.begin(), weights.end(), 0.0);
    auto mass = std::max(1.0, std::floor(total * (random() % 101) / 100.0));
    auto expected = slow_find(weights, keys, mass);
    auto found = cut.find(weights, keys, mass, finest);
    ASSERT_EQ(found.key, expected.key) << "round " << round;
    ASSERT_EQ(found.index, expected.index) << "round " << round;
  }
}

TEST(mass_cut_test, what_falls_short_ends_with_the_last_that_weighs) {
  mass_cut cut;
  auto found = cut.find(std::vector{1.0f, 1.0f, 0.0f},
                        std::vector<order_key>{7, 1 << 25, 1 << 29}, 2.5, 0);
  EXPECT_EQ(found.key, 1 << 25);
  EXPECT_EQ(found.index, 1u);
}
