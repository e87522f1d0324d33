// Checks stop strings, however the text is cut.
#include "models/text/stop_matcher.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace model_server {
namespace {

struct outcome {
  std::string text;
  std::optional<std::size_t> stop;

  friend bool operator==(const outcome&, const outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const outcome& what) {
  return out << '"' << what.text << "\" "
             << (what.stop ? static_cast<int>(*what.stop) : -1);
}

outcome run(const std::vector<std::string>& stops,
            const std::vector<std::string>& pieces) {
  stop_matcher matcher{stops};
  outcome result;
  for (auto& piece : pieces)
    result.text += matcher.feed(piece);
  result.text += matcher.flush();
  result.stop = matcher.matched();
  return result;
}

/// The plain way: at each end, the longest stop that ends there.
outcome search(const std::vector<std::string>& stops, const std::string& text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < stops.size(); ++i)
      if (!stops[i].empty() && text.substr(0, end).ends_with(stops[i])
          && (!best || stops[i].size() > stops[*best].size()))
        best = i;
    if (best)
      return {text.substr(0, end - stops[*best].size()), best};
  }
  return {text, std::nullopt};
}

TEST(stop_matcher_test, gives_out_what_comes_before_a_stop) {
  EXPECT_EQ(run({"END"}, {"one END two"}), (outcome{"one ", 0}));
  EXPECT_EQ(run({"\n\n", "END"}, {"one E", "N", "D two"}),
            (outcome{"one ", 1}));
  EXPECT_EQ(run({"END"}, {"END"}), (outcome{"", 0}));
  EXPECT_EQ(run({"END"}, {"EN"}), (outcome{"EN", std::nullopt}));
  EXPECT_EQ(run({}, {"text"}), (outcome{"text", std::nullopt}));
  EXPECT_EQ(run({"", "x"}, {"axb"}), (outcome{"a", 1}));
}

TEST(stop_matcher_test, holds_back_only_what_may_begin_a_stop) {
  stop_matcher matcher{{"<|end|>", "ab"}};
  EXPECT_EQ(matcher.feed("hello <|e"), "hello ");
  EXPECT_EQ(matcher.feed("x"), "<|ex");
  EXPECT_EQ(matcher.feed("a"), "");
  EXPECT_EQ(matcher.feed("a"), "a");
  EXPECT_EQ(matcher.flush(), "a");
}

TEST(stop_matcher_test, takes_nothing_after_a_match) {
  stop_matcher matcher{{"x"}};
  EXPECT_EQ(matcher.feed("axb"), "a");
  EXPECT_EQ(matcher.feed("cx"), "");
  EXPECT_EQ(matcher.flush(), "");
  EXPECT_EQ(matcher.matched(), 0u);
}

TEST(stop_matcher_test, takes_the_longest_of_stops_that_end_together) {
  EXPECT_EQ(run({"c", "bc"}, {"abc"}), (outcome{"a", 1}));
  EXPECT_EQ(run({"bcd", "c"}, {"abcd"}), (outcome{"ab", 1}));
}

TEST(stop_matcher_test, agrees_with_a_plain_search_however_text_is_cut) {
  std::mt19937 random{1};
  auto word = [&](std::size_t most) {
    std::string result;
    for (auto size = random() % most; size > 0; --size)
      result += static_cast<char>('a' + random() % 2);
    return result;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops;
    for (auto count = random() % 5; count > 0; --count)
      stops.push_back(word(6));
    auto text = word(30);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      pieces.push_back(text.substr(at, random() % 4));
      at += pieces.back().size();
    }
    EXPECT_EQ(run(stops, pieces), search(stops, text)) << text;
  }
}

TEST(stop_matcher_test, is_linear_in_a_text_that_almost_matches) {
  stop_matcher matcher{{std::string(100'000, 'a') + "b"}};
  std::string piece(1000, 'a');
  std::size_t given = 0;
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i)
    given += matcher.feed(piece).size();
  EXPECT_EQ(given, 2'000'000u - 100'000u);
  // A quadratic one would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{20});
}

} // namespace
} // namespace model_server
