// Tests that long prompts leave replies in progress their pace.
#include "models/engine/prompt_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

using namespace model_server;

namespace {

/// Seconds that a step takes, by replies and tokens of prompts.
using machine = std::function<double(std::size_t, std::size_t)>;

/// Weights pass once, then every row costs.
machine affine(double fixed, double row) {
  return [=](std::size_t decoding, std::size_t prompt) {
    return fixed + row * static_cast<double>(decoding + prompt);
  };
}

/// Runs steps with `decoding` replies until `length` tokens of a prompt are
/// read; returns how long each took.
std::vector<double> read_prompt(prompt_pace& pace, const machine& time,
                                std::size_t decoding, std::size_t length) {
  std::vector<double> result;
  while (length > 0) {
    auto count = std::min(length, pace.budget(decoding));
    length -= count;
    result.push_back(time(decoding, count));
    pace.took(decoding, count, result.back());
  }
  return result;
}

void decode(prompt_pace& pace, const machine& time, std::size_t decoding,
            std::size_t steps) {
  for (std::size_t i = 0; i < steps; ++i)
    pace.took(decoding, 0, time(decoding, 0));
}

} // namespace

TEST(prompt_pace_test, reads_much_when_nobody_waits) {
  EXPECT_EQ(prompt_pace{}.budget(0), prompt_pace::most_tokens);
}

TEST(prompt_pace_test, no_step_takes_three_times_as_long_as_without_a_prompt) {
  for (auto fixed : {0.0, 0.001, 0.01, 0.1})
    for (auto row : {0.00001, 0.0005, 0.002})
      for (std::size_t decoding : {8u, 16u, 32u}) {
        prompt_pace pace;
        auto time = affine(fixed, row);
        decode(pace, time, decoding, 5);
        auto times = read_prompt(pace, time, decoding, 4000);
        EXPECT_LE(std::ranges::max(times), 2.5 * time(decoding, 0))
            << fixed << " " << row << " " << decoding;
      }
}

TEST(prompt_pace_test, a_prompt_gets_about_as_much_time_as_the_replies) {
  prompt_pace pace;
  auto time = affine(0.020, 0.001);
  decode(pace, time, 8, 5);
  auto times = read_prompt(pace, time, 8, 4000);
  // 28 ms a step allow 28 tokens.
  EXPECT_LT(times.size(), 4000 / 28 * 5 / 4);
}

TEST(prompt_pace_test, tokens_that_become_dearer_are_fewer) {
  prompt_pace pace;
  std::size_t read = 0;
  machine time = [&](std::size_t decoding, std::size_t prompt) {
    read += prompt;
    auto row = 0.001 * (1.0 + static_cast<double>(read) / 1000.0);
    return 0.020 + 0.001 * static_cast<double>(decoding)
           + row * static_cast<double>(prompt);
  };
  decode(pace, time, 8, 5);
  auto times = read_prompt(pace, time, 8, 4000);
  EXPECT_LE(std::ranges::max(times), 2.5 * 0.028);
  EXPECT_LT(pace.budget(8), 10u);
}

TEST(prompt_pace_test, measures_what_the_replies_take_alone) {
  prompt_pace pace;
  auto time = affine(0.020, 0.001);
  EXPECT_EQ(pace.budget(8), 0u); // never seen
  decode(pace, time, 8, 1);
  EXPECT_GT(pace.budget(8), 0u);
  EXPECT_EQ(pace.budget(30), 0u); // not with so many
  std::size_t measures = 0;
  for (std::size_t i = 0; i < 10 * prompt_pace::steps_between_measures; ++i) {
    auto count = pace.budget(8);
    measures += count == 0 ? 1 : 0;
    pace.took(8, count, time(8, count));
  }
  EXPECT_NEAR(static_cast<double>(measures), 10.0, 1.0);
}

TEST(prompt_pace_test, steps_that_are_late_by_accident_change_little) {
  std::mt19937 random{3};
  auto steady = affine(0.020, 0.001);
  machine time = [&](std::size_t decoding, std::size_t prompt) {
    return steady(decoding, prompt) * (random() % 20 == 0 ? 4.0 : 1.0);
  };
  prompt_pace pace;
  decode(pace, time, 8, 50);
  for (int i = 0; i < 2000; ++i) {
    auto count = pace.budget(8);
    EXPECT_LE(steady(8, count), 2.5 * steady(8, 0));
    pace.took(8, count, time(8, count));
  }
}

TEST(prompt_pace_test, gets_on_whatever_it_is_told) {
  std::mt19937 random{4};
  for (int run = 0; run < 100; ++run) {
    prompt_pace pace;
    std::size_t stood_still = 0;
    for (int i = 0; i < 500; ++i) {
      std::size_t decoding = run % 2 == 0 ? 5 : random() % 9;
      auto count = pace.budget(decoding);
      EXPECT_LE(count, prompt_pace::most_tokens);
      stood_still += count == 0 ? 1 : 0;
      pace.took(decoding, count, static_cast<double>(random() % 1000) * 1e-5);
    }
    EXPECT_LT(stood_still, run % 2 == 0 ? 20u : 400u);
  }
}
