// Filters that make numbers.
#include "models/text/template_filters.hpp"

#include "models/text/python_text.hpp"
#include "models/text/template_operators.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace model_server {

namespace {

using value = template_value;
using arguments = call_arguments;

std::int64_t integer_or(const value* given, std::int64_t otherwise) {
  if (!given)
    return otherwise;
  auto result = to_integer(*given);
  if (!result)
    fail_type(*given, "an integer");
  return *result;
}

/// A number's spelling as Python reads it: blanks around it, `_` within.
std::optional<std::string> number_spelling(const marked_text& text) {
  auto stripped = strip_text(text, nullptr, true, true).bytes();
  std::string result;
  for (std::size_t i = 0; i < stripped.size(); ++i) {
    auto is_digit = [&](std::size_t at) {
      return at < stripped.size() && stripped[at] >= '0' && stripped[at] <= '9';
    };
    if (stripped[i] != '_')
      result += stripped[i];
    else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1))
      return std::nullopt;
  }
  if (result.starts_with('+') && !result.starts_with("+-"))
    result.erase(0, 1);
  return result;
}

std::optional<double> parse_real(const marked_text& text) {
  auto spelling = number_spelling(text);
  double result = 0;
  if (!spelling || spelling->empty())
    return std::nullopt;
  auto* end = spelling->data() + spelling->size();
  auto parsed = std::from_chars(spelling->data(), end, result);
  if (parsed.ptr != end)
    return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range)
    throw template_error{"a number out of range"};
  return result;
}

value to_int(template_renderer&, const value& input, const arguments& a) {
  auto given = a.bind("int", {"default", "base"});
  if (integer_or(given[1], 10) != 10)
    throw template_error{"int with another base than 10 is not supported"};
  if (input.is_undefined())
    fail_type(input, "a number");
  auto fallback = given[0] ? *given[0] : value::integer(0);
  if (auto whole = to_integer(input))
    return value::integer(*whole);
  std::optional<double> real;
  if (auto* number = input.as_real()) {
    real = *number;
  } else if (auto* text = input.as_text()) {
    auto spelling = number_spelling(*text);
    std::int64_t whole = 0;
    if (spelling && !spelling->empty()) {
      auto* end = spelling->data() + spelling->size();
      auto parsed = std::from_chars(spelling->data(), end, whole);
      if (parsed.ptr == end && parsed.ec == std::errc{})
        return value::integer(whole);
      if (parsed.ptr == end)
        throw template_error{"an integer grows beyond 64 bits"};
    }
    real = parse_real(*text);
  }
  if (!real || !std::isfinite(*real))
    return fallback;
  if (std::abs(*real) >= 9e18)
    throw template_error{"an integer grows beyond 64 bits"};
  return value::integer(static_cast<std::int64_t>(*real));
}

value to_float(template_renderer&, const value& input, const arguments& a) {
  auto* fallback = a.bind("float", {"default"})[0];
  if (input.is_undefined())
    fail_type(input, "a number");
  auto real = to_number(input);
  if (auto* text = input.as_text())
    real = parse_real(*text);
  if (real)
    return value::real(*real);
  return fallback ? *fallback : value::real(0);
}

value absolute(template_renderer&, const value& input, const arguments& a) {
  a.bind("abs", {});
  auto number = to_number(input);
  if (!number)
    fail_type(input, "a number");
  return *number < 0 ? negate(input) : negate(negate(input));
}

value rounded(template_renderer&, const value& input, const arguments& a) {
  auto given = a.bind("round", {"precision", "method"});
  auto precision = integer_or(given[0], 0);
  auto number = to_number(input);
  if (!number)
    fail_type(input, "a number to round");
  if (precision < 0 || precision > 100)
    throw template_error{"round to this precision is not supported"};
  auto method =
      given[1] && given[1]->as_text() ? given[1]->as_text()->bytes() : "common";
  if (method == "common") {
    if (to_integer(input))
      return value::integer(*to_integer(input));
    // Written out exactly, so that halves go to the even neighbour.
    return value::real(std::stod(fmt::format("{:.{}f}", *number, precision)));
  }
  auto scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil")
    return value::real(std::ceil(*number * scale) / scale);
  if (method == "floor")
    return value::real(std::floor(*number * scale) / scale);
  throw template_error{"round knows common, ceil and floor"};
}

} // namespace

const filter_table& number_filters() {
  static const filter_table filters{
      {"abs", absolute},
      {"float", to_float},
      {"int", to_int},
      {"round", rounded},
  };
  return filters;
}

} // namespace model_server
