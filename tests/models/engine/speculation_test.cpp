// Tests when guessing is thought to pay, on machines that exist in numbers
// only.
#include "models/engine/speculation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

using namespace model_server;

namespace {

/// Seconds for a pass of so many rows.
using machine = std::function<double(std::size_t)>;

/// Weights pass once, then every row costs.
machine affine(double fixed, double row) {
  return
      [=](std::size_t rows) { return fixed + row * static_cast<double>(rows); };
}

/// What comes next, given all so far.
using writer = std::function<token_id(const std::vector<token_id>&)>;

writer repeats(std::size_t period) {
  return [=](const std::vector<token_id>& tokens) {
    return static_cast<token_id>(tokens.size() % period);
  };
}

/// Ordinary text: words that occurred before in every other place.
writer random_words(std::mt19937& random, unsigned words) {
  return [&random, words](const std::vector<token_id>&) {
    return static_cast<token_id>(random() % words);
  };
}

sequence begin(sequence_id id, std::size_t prompt, const writer& write) {
  sequence result;
  result.id = id;
  while (result.tokens.size() < prompt)
    result.tokens.push_back(write(result.tokens));
  result.prompt_size = prompt;
  return result;
}

/// Runs steps as an engine would.
struct runner {
  speculation chooser{10'000};
  machine time;
  double seconds = 0.0;
  std::size_t guesses = 0;
  std::size_t most_at_once = 0;

  std::size_t step(std::vector<sequence>& items, const writer& write) {
    std::vector<const sequence*> pointers;
    for (auto& item : items)
      pointers.push_back(&item);
    auto counts = chooser.choose(pointers);
    auto rows = std::accumulate(counts.begin(), counts.end(), items.size());
    std::size_t made = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto guessed = chooser.guess(items[i], counts[i]);
      EXPECT_EQ(guessed.size(), counts[i]);
      most_at_once = std::max(most_at_once, counts[i]);
      auto& tokens = items[i].tokens;
      for (std::size_t k = 0;; ++k) {
        tokens.push_back(write(tokens));
        ++made;
        if (k == guessed.size() || tokens.back() != guessed[k])
          break;
      }
    }
    guesses += rows - items.size();
    seconds += time(rows);
    chooser.took(rows, time(rows));
    return made;
  }

  // Seconds for a token of each sequence.
  double pace(std::vector<sequence>& items, const writer& write,
              std::size_t steps) {
    seconds = 0.0;
    std::size_t made = 0;
    for (std::size_t i = 0; i < steps; ++i)
      made += step(items, write);
    return seconds * static_cast<double>(items.size())
           / static_cast<double>(made);
  }
};

} // namespace

TEST(speculation_test, repeated_text_is_many_times_as_fast) {
  auto write = repeats(50);
  std::vector items{begin(1, 100, write)};
  runner run{.time = affine(1.0, 0.02)};
  EXPECT_LT(run.pace(items, write, 300), 1.02 / 5);
  EXPECT_EQ(run.most_at_once, speculation::most_guesses);
}

TEST(speculation_test, a_dear_row_means_few_guesses) {
  auto write = repeats(50);
  std::vector items{begin(1, 100, write)};
  runner run{.time = affine(0.5, 0.5)};
  EXPECT_LT(run.pace(items, write, 300), 1.0);
  std::vector others{begin(1, 100, write)};
  runner dear{.time = affine(0.0, 1.0)};
  EXPECT_LT(dear.pace(others, write, 300), 1.01);
}

TEST(speculation_test, ordinary_text_loses_less_than_one_percent) {
  std::mt19937 random{3};
  for (auto row : {0.0, 0.02, 0.1, 0.5, 1.0})
    for (unsigned words : {20u, 50u, 1000u}) {
      auto write = random_words(random, words);
      runner run{.time = affine(1.0 - row, row)};
      for (sequence_id id = 0; id < 10; ++id) {
        std::vector items{begin(id, 500, write)};
        EXPECT_LT(run.pace(items, write, 500), 1.01) << row << ' ' << words;
        run.chooser.release(id);
      }
    }
}

TEST(speculation_test, notices_when_text_begins_to_repeat_itself) {
  std::mt19937 random{4};
  auto write = random_words(random, 30);
  std::vector items{begin(1, 300, write)};
  runner run{.time = affine(1.0, 0.02)};
  run.pace(items, write, 500);
  auto copy = [from = items[0].tokens.size()](auto& tokens) {
    return tokens[tokens.size() - from];
  };
  EXPECT_LT(run.pace(items, copy, 50), 1.02 / 3);
}

TEST(speculation_test, big_batches_guess_as_far_as_rows_are_cheap) {
  auto write = repeats(50);
  std::vector<sequence> items;
  for (sequence_id id = 0; id < 16; ++id)
    items.push_back(begin(id, 100, write));
  // Rows are for nothing up to 24, then arithmetic is all.
  runner run{.time = [](std::size_t rows) {
    return std::max(1.0, static_cast<double>(rows) / 24.0);
  }};
  EXPECT_LT(run.pace(items, write, 300), 0.75);
  runner dear{.time = affine(0.0, 1.0)};
  EXPECT_LT(dear.pace(items, write, 300), 16.0 * 1.01);
}

TEST(speculation_test, the_likelier_sequence_gets_the_guesses) {
  std::mt19937 random{5};
  auto write = repeats(50);
  std::vector items{begin(1, 400, random_words(random, 20)),
                    begin(2, 400, write)};
  auto mixed = [&](const std::vector<token_id>& tokens) {
    return &tokens == &items[0].tokens ? static_cast<token_id>(random() % 20)
                                       : write(tokens);
  };
  runner run{.time = affine(1.0, 0.05)};
  run.pace(items, mixed, 100);
  const sequence* both[] = {&items[0], &items[1]};
  auto counts = run.chooser.choose(both);
  EXPECT_EQ(counts[0], 0u);
  EXPECT_GT(counts[1], 4u);
}

TEST(speculation_test, goes_beyond_no_end) {
  auto write = repeats(5);
  auto item = begin(1, 100, write);
  const sequence* one[] = {&item};
  speculation chooser{120};
  auto most = [&] { return chooser.choose(one, 100)[0]; };
  EXPECT_EQ(most(), speculation::most_guesses);
  item.max_tokens = 10;
  EXPECT_EQ(most(), 9u);
  item.reply_limit = 3;
  EXPECT_EQ(most(), 2u);
  item.reply_limit = 1;
  EXPECT_EQ(most(), 0u);
  item.reply_limit = item.max_tokens = 100;
  while (item.tokens.size() < 114)
    item.tokens.push_back(write(item.tokens));
  EXPECT_EQ(most(), 5u);
  while (item.tokens.size() < 119)
    item.tokens.push_back(write(item.tokens));
  EXPECT_EQ(most(), 0u);
}

TEST(speculation_test, new_times_are_learned_after_old_ones_are_forgotten) {
  auto write = repeats(50);
  std::vector items{begin(1, 100, write)};
  runner run{.time = affine(1.0, 0.02)};
  run.pace(items, write, 50);
  EXPECT_GT(run.guesses, 100u);
  run.guesses = 0;
  run.chooser.forget_times();
  run.step(items, write); // measures
  EXPECT_EQ(run.guesses, 0u);
}
