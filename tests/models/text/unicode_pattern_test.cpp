// Checks the patterns of tokenizer files: their meaning and their limits.
#include "models/text/unicode_pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

pattern_deadline soon(int milliseconds = 10'000) {
  return std::chrono::steady_clock::now()
         + std::chrono::milliseconds{milliseconds};
}

std::vector<std::string> matches(const unicode_pattern& pattern,
                                 const std::string& text) {
  std::vector<std::string> result;
  pattern.find_all(text, soon(), [&](std::size_t begin, std::size_t end) {
    result.push_back(text.substr(begin, end - begin));
  });
  return result;
}

std::vector<std::string> matches(const char* pattern, const std::string& text) {
  return matches(unicode_pattern{pattern}, text);
}

std::string error_of(const std::string& pattern) {
  try {
    unicode_pattern compiled{pattern};
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

TEST(unicode_pattern_test, finds_matches_in_order) {
  EXPECT_THAT(matches(R"(\p{L}+|\p{N}{1,2})", "ab\u00E9 123"),
              ElementsAre("ab\u00E9", "12", "3"));
  EXPECT_THAT(matches(unicode_pattern::literal("aa"), "aaaaa"),
              ElementsAre("aa", "aa"));
  EXPECT_THAT(matches(unicode_pattern::literal(""), "ab"), IsEmpty());
}

TEST(unicode_pattern_test, drops_an_empty_match_behind_another) {
  EXPECT_THAT(matches("a*", "baac"), ElementsAre("", "aa", ""));
  EXPECT_THAT(matches(R"(\b)", "a \u732B"), ElementsAre("", "", "", ""));
}

TEST(unicode_pattern_test, white_space_is_unicodes) {
  // U+180E is none, though PCRE2 takes it for one.
  EXPECT_THAT(matches(R"(\s)", "\u180E\u00A0\u0085"),
              ElementsAre("\u00A0", "\u0085"));
  EXPECT_THAT(matches(R"([^\s]+)", "a\u3000\u180E"),
              ElementsAre("a", "\u180E"));
  EXPECT_THAT(matches(R"(\S+)", "\u180Eb\u2003c"), ElementsAre("\u180Eb", "c"));
}

TEST(unicode_pattern_test, words_have_marks_and_numbers) {
  EXPECT_THAT(matches(R"(\w+)", "e\u0301\u00B2_ -"),
              ElementsAre("e\u0301\u00B2_"));
  EXPECT_THAT(matches(R"(\W+)", "a -b"), ElementsAre(" -"));
}

TEST(unicode_pattern_test, knows_hexadecimal_digits_scripts_and_posix_names) {
  EXPECT_THAT(matches(R"(\h+)", "xBeefg 1F"), ElementsAre("Beef", "1F"));
  // U+3006 is used with Han, but isn't of that script.
  EXPECT_THAT(matches(R"(\p{Han}+)", "\u732B\u3006a"), ElementsAre("\u732B"));
  EXPECT_THAT(matches(R"([[:punct:]]+)", "a$!\u00A1b"),
              ElementsAre("$!\u00A1"));
  EXPECT_THAT(matches(R"(\p{^L}+)", "a12b"), ElementsAre("12"));
}

TEST(unicode_pattern_test, intersects_classes) {
  EXPECT_THAT(matches(R"([\p{L}&&[^\p{Han}]]+)", "ab\u732Bc"),
              ElementsAre("ab", "c"));
  EXPECT_THAT(matches(R"([a-f&&[^c]&&[b-z]]+)", "abcdefg"),
              ElementsAre("b", "def"));
}

TEST(unicode_pattern_test, lines_have_begins_and_ends) {
  EXPECT_THAT(matches(R"(^\w+$)", "ab\ncd e\nf"), ElementsAre("ab", "f"));
}

TEST(unicode_pattern_test, quotes_a_pattern_that_it_refuses) {
  EXPECT_THAT(error_of("a(b"), HasSubstr("\"a(b\""));
  EXPECT_THAT(error_of("[a[b]c]"), HasSubstr("class within a class"));
  EXPECT_THAT(error_of("a(?m)b"), HasSubstr("not supported"));
  EXPECT_THAT(error_of("[abc"), HasSubstr("class without an end"));
  EXPECT_THAT(error_of("\\"), HasSubstr("backslash"));
  EXPECT_THAT(error_of("\\Cx"), HasSubstr("\\C"));
  EXPECT_THAT(error_of(std::string(70'000, 'a')), HasSubstr("65536"));
  EXPECT_THAT(error_of(std::string(60'000, '[')),
              HasSubstr("a class more than 16 deep"));
  EXPECT_THAT(error_of("((((a{1000}){1000}){1000}){1000})"),
              HasSubstr("large"));
}

TEST(unicode_pattern_test, ends_a_pattern_that_explodes) {
  unicode_pattern pattern{"(a+)+[bc]"};
  std::string text(100'000, 'a');
  auto search = [&] { pattern.find_all(text, soon(), [](auto, auto) {}); };
  EXPECT_THROW(search(), std::runtime_error);
}

TEST(unicode_pattern_test, looks_at_the_clock_while_nothing_matches) {
  unicode_pattern pattern{R"(\d+(?=a))"}; // quadratic in a run of digits
  std::string text(1'000'000, '1');
  auto start = std::chrono::steady_clock::now();
  auto search = [&] { pattern.find_all(text, soon(100), [](auto, auto) {}); };
  EXPECT_THROW(search(), std::runtime_error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{30});
}

} // namespace
} // namespace model_server
