// What log lines look like, and that no value can fake one.
#include "config/log_line.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace model_server {

namespace {

using namespace std::chrono_literals;

// 2024-02-29T23:59:58.007Z
constexpr std::chrono::system_clock::time_point leap_day{1709251198007ms};

std::string line(const log_settings& how,
                 std::initializer_list<log_field> fields) {
  return format_log_line(how, log_level::info, leap_day, "request_done",
                         {fields.begin(), fields.size()});
}

std::string text(std::initializer_list<log_field> fields) {
  return line({}, fields);
}

std::string json(std::initializer_list<log_field> fields) {
  return line({log_format::json, log_level::info, false}, fields);
}

const std::string text_head = "2024-02-29T23:59:58.007Z info request_done";
const std::string json_head =
    R"({"ts":"2024-02-29T23:59:58.007Z","level":"info","event":"request_done")";

TEST(log_line_test, shows_time_level_event_and_fields) {
  std::string id = "call-7f";
  EXPECT_EQ(text({{"request_id", id},
                  {"tokens", 12},
                  {"seed", std::uint64_t{18446744073709551615u}},
                  {"rate", 0.5},
                  {"resumed", false}}),
            text_head
                + " request_id=call-7f tokens=12 seed=18446744073709551615 "
                  "rate=0.5 resumed=false");
  EXPECT_EQ(json({{"request_id", id}, {"tokens", -12}, {"resumed", true}}),
            json_head
                + R"(,"request_id":"call-7f","tokens":-12,"resumed":true})");
  EXPECT_EQ(text({}), text_head);
  EXPECT_EQ(json({}), json_head + "}");
}

TEST(log_line_test, leaves_out_facts_that_are_not_there) {
  EXPECT_EQ(json({{"trace_id", optional_text{"4bf9"}}}),
            json_head + R"(,"trace_id":"4bf9"})");
  EXPECT_EQ(json({{"trace_id", optional_text{}}, {"tokens", 1}}),
            json_head + R"(,"tokens":1})");
  EXPECT_EQ(text({{"trace_id", optional_text{}}}), text_head);
}

TEST(log_line_test, names_each_level) {
  for (auto level : {log_level::debug, log_level::info, log_level::warning,
                     log_level::error})
    EXPECT_EQ(format_log_line({}, level, leap_day, "x", {}),
              "2024-02-29T23:59:58.007Z " + std::string{to_string(level)}
                  + " x");
  EXPECT_EQ(to_string(log_level::warning), "warning");
}

TEST(log_line_test, quotes_texts_that_could_be_misread) {
  EXPECT_EQ(text({{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "\"q\""}}),
            text_head + R"( a="two words" b="" c="x=y" d="\"q\"")");
}

TEST(log_line_test, no_value_starts_a_line_or_moves_the_cursor) {
  const char* attack = "x\r\n2024 error fake\x1b[2J\xC2\x9B";
  for (const auto& made : {text({{"v", attack}}), json({{"v", attack}})})
    for (auto c : made)
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << made;
  EXPECT_EQ(json({{"v", "\n"}}), json_head + R"(,"v":"\n"})");
  EXPECT_EQ(text({{"v", "\x1b[2J"}}), text_head + R"( v="\u001b[2J")");
}

TEST(log_line_test, cuts_long_values_and_long_lines) {
  std::string large(100'000, 'x');
  EXPECT_EQ(text({{"v", large}}),
            text_head + " v=\"" + std::string(1024, 'x') + "...\"");
  std::vector<log_field> many(50, log_field{"v", large});
  auto made = format_log_line({}, log_level::info, leap_day, "e", many);
  EXPECT_LE(made.size(), 16u * 1024);
  EXPECT_TRUE(made.ends_with(" cut=true"));
}

TEST(log_line_test, what_was_said_is_left_out_unless_asked_for) {
  log_field said{"prompt", private_text{"my secret"}};
  EXPECT_EQ(text({{"n", 1}, said}), text_head + " n=1");
  EXPECT_EQ(line({log_format::text, log_level::info, true}, {said}),
            text_head + R"( prompt="my secret")");
}

TEST(log_line_test, numbers_that_json_lacks_are_null) {
  EXPECT_EQ(json({{"a", std::numeric_limits<double>::quiet_NaN()},
                  {"b", std::numeric_limits<double>::infinity()}}),
            json_head + R"(,"a":null,"b":null})");
}

} // namespace

} // namespace model_server
