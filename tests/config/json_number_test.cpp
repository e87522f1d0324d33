// Tests that numbers of JSON are what they say.
#include "config/json_number.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace model_server {
namespace {

template <class T>
void expect_number(std::string_view text, T value) {
  auto number = read_json_number(text);
  ASSERT_TRUE(number.has_value()) << text;
  ASSERT_TRUE(std::holds_alternative<T>(*number)) << text;
  EXPECT_EQ(std::get<T>(*number), value) << text;
}

} // namespace

TEST(json_number_test, whole_numbers_have_the_first_type_that_holds_them) {
  expect_number("0", 0u);
  expect_number("4294967295", 4294967295u);
  expect_number("-0", 0);
  expect_number("-2147483648", std::numeric_limits<int>::min());
  expect_number("4294967296", std::uint64_t{4294967296});
  expect_number("18446744073709551615", ~std::uint64_t{0});
  expect_number("-9223372036854775808",
                std::numeric_limits<std::int64_t>::min());
  expect_number("18446744073709551616", 18446744073709551616.0);
  expect_number("-9223372036854775809", -9223372036854775808.0);
}

TEST(json_number_test, fractions_are_rounded_correctly) {
  expect_number("0.1", 0.1);
  expect_number("1.0", 1.0);
  expect_number("9007199254740993.0", 9007199254740992.0);
  expect_number("2.2250738585072011e-308", 2.2250738585072011e-308);
  expect_number("1.7976931348623157e308", std::numeric_limits<double>::max());
}

// RapidJSON makes something of these that its memory happens to hold.
TEST(json_number_test, a_long_zero_is_zero) {
  expect_number("0.00000000000000000000000000000", 0.0);
  expect_number("0.0000000000000000000000000000000000000000e5", 0.0);
  auto negative = read_json_number("-0.000000000000000000000000000000");
  ASSERT_TRUE(negative && std::holds_alternative<double>(*negative));
  EXPECT_EQ(std::get<double>(*negative), 0.0);
  EXPECT_TRUE(std::signbit(std::get<double>(*negative)));
}

TEST(json_number_test, what_is_near_zero_is_zero_and_what_is_too_large_none) {
  expect_number("1e-999", 0.0);
  expect_number("5e-324", std::numeric_limits<double>::denorm_min());
  EXPECT_FALSE(read_json_number("1e309"));
  EXPECT_FALSE(read_json_number("-1e999"));
  EXPECT_FALSE(read_json_number(std::string(400, '9')));
}

} // namespace model_server
