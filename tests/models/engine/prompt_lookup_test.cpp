// Tests what is guessed from the past of a sequence.
#include "models/engine/prompt_lookup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace model_server;

namespace {

std::vector<token_id> random_tokens(std::mt19937& random, std::size_t count,
                                    unsigned alphabet) {
  std::vector<token_id> result(count);
  for (auto& token : result)
    token = static_cast<token_id>(random() % alphabet);
  // Some passages once more.
  for (std::size_t i = 0; i + 20 < count; i += 1 + random() % 40)
    std::copy_n(result.begin()
                    + static_cast<std::ptrdiff_t>(random() % (i + 1)),
                random() % 12, result.begin() + static_cast<std::ptrdiff_t>(i));
  return result;
}

/// The same by looking at everything.
class plain_lookup {
public:
  void advance(std::span<const token_id> tokens) {
    auto now = tokens.first(++size_);
    if (matched > 0 && now[place] == now.back()) {
      ++matched;
      ++place;
      return;
    }
    matched = 0;
    for (std::size_t length = prompt_lookup::longest_run;
         length >= prompt_lookup::shortest_run && matched == 0; --length)
      for (auto end = size_ - 1; end >= length && matched == 0; --end)
        if (matched_at(now, end) >= length) {
          matched = matched_at(now, end);
          place = end;
        }
  }

  std::size_t matched = 0;
  std::size_t place = 0;

private:
  static std::size_t matched_at(std::span<const token_id> now,
                                std::size_t end) {
    std::size_t result = 0;
    while (result < end && result < prompt_lookup::most_compared
           && now[end - 1 - result] == now[now.size() - 1 - result])
      ++result;
    return result;
  }

  std::size_t size_ = 0;
};

std::vector<token_id> guess_after(const std::vector<token_id>& tokens,
                                  std::size_t count) {
  prompt_lookup lookup;
  while (lookup.size() < tokens.size())
    lookup.advance(tokens);
  std::vector<token_id> result;
  lookup.guess(tokens, count, result);
  return result;
}

using guesses = std::vector<token_id>;

} // namespace

TEST(prompt_lookup_test, finds_what_a_search_finds) {
  std::mt19937 random{1};
  for (unsigned alphabet : {1u, 2u, 3u, 5u, 20u, 1000u})
    for (int run = 0; run < 10; ++run) {
      auto tokens = random_tokens(random, 1 + random() % 400, alphabet);
      prompt_lookup lookup;
      plain_lookup plain;
      for (std::size_t size = 1; size <= tokens.size(); ++size) {
        // What comes later is of no account.
        lookup.advance(std::span{tokens}.first(size));
        plain.advance(tokens);
        ASSERT_EQ(lookup.matched(), plain.matched) << alphabet;
        auto next = lookup.next(tokens);
        ASSERT_EQ(next.has_value(), plain.matched > 0);
        ASSERT_EQ(next.value_or(-1), next ? tokens[plain.place] : -1);
      }
    }
}

TEST(prompt_lookup_test, guesses_what_stood_behind_the_last_equal_run) {
  EXPECT_EQ(guess_after({1, 2, 3, 4, 5, 9, 1, 2}, 3), (guesses{3, 4, 5}));
  EXPECT_EQ(guess_after({1, 2, 3, 1, 2, 4, 1, 2}, 1), guesses{4});
  EXPECT_EQ(guess_after({1, 2, 3, 4, 5}, 3), guesses{});
  EXPECT_EQ(guess_after({7, 1, 8, 1}, 3), guesses{}); // one is too few
}

TEST(prompt_lookup_test, prefers_a_longer_run_to_a_newer_one) {
  EXPECT_EQ(guess_after({1, 2, 3, 4, 5, 9, 3, 4, 6, 9, 1, 2, 3, 4}, 1),
            guesses{5});
}

TEST(prompt_lookup_test, stays_with_a_place_that_was_right) {
  // Behind 3, 4, 5 stood 7 of late; but this is the passage of 1, 2, 3, 4.
  std::vector<token_id> tokens{9, 1, 2, 3, 4, 5, 6, 0, 2, 3, 4, 5, 7, 9, 1};
  prompt_lookup lookup;
  while (lookup.size() < tokens.size())
    lookup.advance(tokens);
  for (token_id token : {2, 3, 4, 5}) {
    ASSERT_EQ(lookup.next(tokens), token);
    tokens.push_back(token);
    lookup.advance(tokens);
  }
  EXPECT_EQ(lookup.next(tokens), 6);
  EXPECT_EQ(lookup.matched(), 6u);
}

TEST(prompt_lookup_test, a_short_repetition_goes_round) {
  EXPECT_EQ(guess_after({4, 4, 4}, 5), (guesses{4, 4, 4, 4, 4}));
  EXPECT_EQ(guess_after({1, 2, 3, 1, 2, 3, 1, 2}, 7),
            (guesses{3, 1, 2, 3, 1, 2, 3}));
}

TEST(prompt_lookup_test, takes_no_more_memory_than_it_says) {
  std::mt19937 random{2};
  std::vector<token_id> tokens(20'000);
  for (auto& token : tokens)
    token = static_cast<token_id>(random());
  prompt_lookup lookup;
  while (lookup.size() < tokens.size()) {
    lookup.advance(tokens);
    ASSERT_LE(lookup.bytes(), 3 * 64 * 4 + 48 * lookup.size());
  }
}
