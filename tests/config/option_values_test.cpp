// Values of options: whole numbers, durations, flags, and their limits.
#include "config/option_values.hpp"

#include "tests/config/config_error_of.hpp"

#include <gtest/gtest.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::config_error_of;

milliseconds duration(const std::string& text) {
  return parse_duration({"--pause", text}, 10ms, 1h);
}

TEST(option_values_test, reads_whole_numbers_up_to_the_limits) {
  EXPECT_EQ(parse_whole({"--n", "1"}, 1, 64), 1u);
  EXPECT_EQ(parse_whole({"--n", "64"}, 1, 64), 64u);
  EXPECT_EQ(parse_whole({"--n", "007"}, 1, 64), 7u);
}

TEST(option_values_test, refuses_what_is_no_whole_number_in_range) {
  for (auto text : {"0", "65", "-1", "+1", "1.0", "0x10", " 1", "1 ", "", "ten",
                    "99999999999999999999999"})
    EXPECT_EQ(config_error_of([&] {
                parse_whole({"--n", text}, 1, 64);
              }),
              "--n is \"" + std::string{text}
                  + "\", but a whole number from 1 to 64 is needed");
}

TEST(option_values_test, reads_durations_in_each_unit) {
  EXPECT_EQ(duration("500ms"), 500ms);
  EXPECT_EQ(duration("30s"), 30s);
  EXPECT_EQ(duration("2m"), 2min);
  EXPECT_EQ(duration("1h"), 1h);
  EXPECT_EQ(duration("45"), 45s);
  EXPECT_EQ(duration("1.5"), 1500ms);
  EXPECT_EQ(duration("0.5m"), 30s);
  EXPECT_EQ(duration("10ms"), 10ms);
}

TEST(option_values_test, refuses_what_is_no_duration_in_range) {
  for (auto text : {"9ms", "3601s", "2h", "-1s", "1 s", "1d", "s", "", "1e3",
                    "nan", "inf", "infs", "1s2", "1e999"})
    EXPECT_EQ(
        config_error_of([&] { duration(text); }),
        "--pause is \"" + std::string{text}
            + "\", but a duration from 10ms to 1h, such as 500ms, 30s, 2m "
              "or a number of seconds, is needed");
}

TEST(option_values_test, reads_flags_in_any_case) {
  for (auto text : {"true", "TRUE", "Yes", "on", "1"})
    EXPECT_TRUE(parse_flag({"X", text})) << text;
  for (auto text : {"false", "False", "no", "OFF", "0"})
    EXPECT_FALSE(parse_flag({"X", text})) << text;
  EXPECT_EQ(config_error_of([] {
              parse_flag({"X", "maybe"});
            }),
            R"(X is "maybe", but true or false is needed)");
}

TEST(option_values_test, shows_a_duration_in_its_largest_whole_unit) {
  EXPECT_EQ(show_duration(0ms), "0s");
  EXPECT_EQ(show_duration(1500ms), "1500ms");
  EXPECT_EQ(show_duration(90s), "90s");
  EXPECT_EQ(show_duration(120s), "2m");
  EXPECT_EQ(show_duration(24h), "24h");
}

TEST(option_values_test, escapes_and_cuts_the_value_in_the_sentence) {
  auto sentence = config_error_of([] {
    parse_whole({"--n", "\x1b[31m\n" + std::string(5000, 'x')}, 1, 2);
  });
  EXPECT_TRUE(sentence.starts_with(R"(--n is "\u001b[31m\nxxx)"));
  EXPECT_LT(sentence.size(), 250u);
}

} // namespace

} // namespace model_server
