// Params of config.json: by name, by position, and every way to get them wrong.
#include "config/entry_params.hpp"

#include "tests/config/config_error_of.hpp"

#include <gtest/gtest.h>

namespace model_server {

namespace {

using testing::config_error_of;

entry_params named(std::vector<std::pair<std::string, param_value>> values) {
  return {false, std::move(values)};
}

entry_params listed(std::vector<param_value> values) {
  entry_params result{true, {}};
  for (auto& value : values)
    result.values.emplace_back("", std::move(value));
  return result;
}

TEST(entry_params_test, gives_values_by_name) {
  auto params = named({{"path", "a/b"}, {"size", std::int64_t{7}}})
                    .bind({"size", "path", "rate"});
  EXPECT_EQ(params.require_string("path"), "a/b");
  EXPECT_EQ(params.integer_or("size", 1), 7);
  EXPECT_TRUE(params.has("size"));
  EXPECT_FALSE(params.has("rate"));
}

TEST(entry_params_test, gives_listed_values_in_the_order_of_the_names) {
  auto params = listed({"a/b", std::int64_t{7}}).bind({"path", "size", "rate"});
  EXPECT_EQ(params.require_string("path"), "a/b");
  EXPECT_EQ(params.integer_or("size", 1), 7);
  EXPECT_FALSE(params.has("rate"));
}

TEST(entry_params_test, falls_back_where_nothing_is_given) {
  auto params = named({}).bind({"x"});
  EXPECT_EQ(params.string_or("x", "text"), "text");
  EXPECT_EQ(params.integer_or("x", -3), -3);
  EXPECT_EQ(params.number_or("x", 0.5), 0.5);
  EXPECT_TRUE(params.bool_or("x", true));
}

TEST(entry_params_test, reads_a_whole_number_as_a_number) {
  auto params = named({{"a", std::int64_t{2}}, {"b", 0.25}}).bind({"a", "b"});
  EXPECT_EQ(params.number_or("a", 0), 2.0);
  EXPECT_EQ(params.number_or("b", 0), 0.25);
}

TEST(entry_params_test, refuses_an_unknown_name_and_lists_the_known) {
  EXPECT_EQ(config_error_of([] {
              named({{"pth", "x"}}).bind({"path", "dtype"});
            }),
            R"(there is no parameter "pth"; known are path, dtype)");
  EXPECT_EQ(config_error_of([] {
              named({{"x", "y"}}).bind({});
            }),
            R"(there is no parameter "x"; none is taken)");
}

TEST(entry_params_test, refuses_a_name_given_twice) {
  EXPECT_EQ(config_error_of([] {
              named({{"path", "x"}, {"path", "y"}}).bind({"path"});
            }),
            R"(parameter "path" is given twice)");
}

TEST(entry_params_test, refuses_too_long_a_list) {
  EXPECT_EQ(config_error_of([] {
              listed({"x", "y", "z"}).bind({"path", "dtype"});
            }),
            "3 parameters were given, but at most 2 are taken: path, dtype");
  EXPECT_EQ(config_error_of([] { listed({"x"}).bind({}); }),
            "1 parameter was given, but none is taken");
}

TEST(entry_params_test, names_what_is_missing) {
  EXPECT_EQ(
      config_error_of([] { named({}).bind({"path"}).require_string("path"); }),
      R"(parameter "path" is missing)");
}

TEST(entry_params_test, refuses_values_of_another_type) {
  auto params = named({{"text", "4"},
                       {"whole", std::int64_t{4}},
                       {"fraction", 4.5},
                       {"flag", true}})
                    .bind({"text", "whole", "fraction", "flag"});
  EXPECT_EQ(config_error_of([&] { params.require_string("whole"); }),
            R"(parameter "whole" is 4, but a text is needed)");
  EXPECT_EQ(config_error_of([&] { params.string_or("fraction", ""); }),
            R"(parameter "fraction" is 4.5, but a text is needed)");
  EXPECT_EQ(config_error_of([&] { params.integer_or("fraction", 0); }),
            R"(parameter "fraction" is 4.5, but a whole number is needed)");
  EXPECT_EQ(config_error_of([&] { params.integer_or("text", 0); }),
            R"(parameter "text" is "4", but a whole number is needed)");
  EXPECT_EQ(config_error_of([&] { params.number_or("flag", 0); }),
            R"(parameter "flag" is true, but a number is needed)");
  EXPECT_EQ(config_error_of([&] { params.bool_or("whole", false); }),
            R"(parameter "whole" is 4, but true or false is needed)");
}

TEST(entry_params_test, reads_numbers_of_bytes) {
  auto bytes = [](param_value value) {
    return named({{"memory", value}}).bind({"memory"}).bytes_or("memory", 5);
  };
  EXPECT_EQ(bytes(std::int64_t{1}), 1u);
  EXPECT_EQ(bytes("4096"), 4096u);
  EXPECT_EQ(bytes("64K"), 64u << 10);
  EXPECT_EQ(bytes("512M"), 512u << 20);
  EXPECT_EQ(bytes("2G"), std::size_t{2} << 30);
  EXPECT_EQ(named({}).bind({"memory"}).bytes_or("memory", 5), 5u);
  for (param_value wrong :
       {param_value{std::int64_t{0}}, param_value{std::int64_t{-4}},
        param_value{1.5}, param_value{true}, param_value{"0M"},
        param_value{"M"}, param_value{"5MB"}, param_value{"5 M"},
        param_value{"-5M"}, param_value{""}, param_value{"99999999999G"}})
    EXPECT_NE(config_error_of([&] {
                bytes(wrong);
              }).find(R"(but a number of bytes like 1048576 or "512M")"),
              std::string::npos);
}

TEST(entry_params_test, checks_the_range_of_whole_numbers) {
  auto with = [](std::int64_t number) {
    return named({{"n", number}}).bind({"n"}).integer_or("n", 0, 1, 10);
  };
  EXPECT_EQ(with(1), 1);
  EXPECT_EQ(with(10), 10);
  auto needed = ", but a whole number from 1 to 10 is needed";
  EXPECT_EQ(config_error_of([&] { with(0); }),
            std::string{R"(parameter "n" is 0)"} + needed);
  EXPECT_EQ(config_error_of([&] { with(11); }),
            std::string{R"(parameter "n" is 11)"} + needed);
}

} // namespace

} // namespace model_server
