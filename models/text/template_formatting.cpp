// Python's two ways to put values into a format.
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace model_server {

namespace {

/// One `%` with what follows it.
struct conversion {
  std::string key;
  bool left = false;
  bool zero = false;
  bool plus = false;
  std::size_t width = 0;
  std::optional<int> precision;
  char type = '\0';
};

class percent_reader {
public:
  explicit percent_reader(std::string_view format) : in_(format) {
    // nop
  }

  /// Reads the conversion whose `%` stands before `at`; moves `at` past it.
  conversion read(std::size_t& at) const {
    conversion result;
    if (peek(at) == '(') {
      auto end = in_.find(')', at);
      if (end == std::string_view::npos)
        throw template_error{"a format with an open key"};
      result.key = in_.substr(at + 1, end - at - 1);
      at = end + 1;
    }
    for (;; ++at) {
      if (peek(at) == '-')
        result.left = true;
      else if (peek(at) == '0')
        result.zero = true;
      else if (peek(at) == '+')
        result.plus = true;
      else
        break;
    }
    result.width = static_cast<std::size_t>(number(at));
    if (peek(at) == '.')
      result.precision = number(++at);
    result.type = peek(at++);
    return result;
  }

private:
  char peek(std::size_t at) const {
    return at < in_.size() ? in_[at] : '\0';
  }

  int number(std::size_t& at) const {
    int result = 0;
    while (peek(at) >= '0' && peek(at) <= '9') {
      result = result * 10 + (in_[at++] - '0');
      if (result > 1000)
        throw template_error{"a format with a width over 1000"};
    }
    return result;
  }

  std::string_view in_;
};

std::string spell_number(const conversion& how, const template_value& value) {
  auto number = to_number(value);
  if (!number)
    fail_type(value, "a number to format");
  auto sign = how.plus && *number >= 0 ? "+" : "";
  if (how.type == 'd' || how.type == 'i') {
    if (auto integer = to_integer(value))
      return sign + std::to_string(*integer);
    if (std::abs(*number) >= 9e18)
      throw template_error{"a number too large to format"};
    return sign + std::to_string(static_cast<std::int64_t>(*number));
  }
  if (how.type == 'x') {
    auto integer = to_integer(value);
    if (!integer)
      fail_type(value, "an integer to format");
    return fmt::format("{}{:x}", sign, *integer);
  }
  return fmt::format("{}{:.{}f}", sign, *number, how.precision.value_or(6));
}

marked_text convert(template_renderer& renderer, const conversion& how,
                    const template_value& value) {
  marked_text text;
  switch (how.type) {
  case 's':
  case 'r':
    text =
        how.type == 's' ? to_text(renderer, value) : to_repr(renderer, value);
    if (how.precision)
      throw template_error{"a format that cuts text is not supported"};
    break;
  case 'd':
  case 'i':
  case 'f':
  case 'x':
    text = {spell_number(how, value), true};
    break;
  default:
    throw template_error{
        fmt::format("the format \"%{}\" is not supported", how.type)};
  }
  auto size = count_utf8(text.bytes());
  if (size >= how.width)
    return text;
  std::string padding(how.width - size, ' ');
  if (how.left) {
    text.append(padding, true);
    return text;
  }
  if (how.zero && how.type != 's' && how.type != 'r')
    throw template_error{"a format with leading zeros is not supported"};
  marked_text result{padding, true};
  result.append(text);
  return result;
}

} // namespace

marked_text format_percent(template_renderer& renderer,
                           const marked_text& format,
                           const std::vector<template_value>& positional,
                           const template_dict* named) {
  marked_text result;
  auto all = std::string_view{format.bytes()};
  percent_reader reader{all};
  std::size_t next = 0, done = 0;
  bool by_name = false;
  for (auto at = all.find('%'); at != std::string_view::npos;
       at = all.find('%', done)) {
    result.append(format, done, at);
    done = at + 1;
    auto how = reader.read(done);
    if (how.type == '%') {
      result.append("%", format.is_trusted_at(at));
      continue;
    }
    const template_value* value = nullptr;
    if (!how.key.empty()) {
      by_name = true;
      value = named ? named->find(how.key) : nullptr;
    } else if (next < positional.size()) {
      value = &positional[next++];
    }
    if (!value)
      throw template_error{"a format with too few arguments"};
    auto text = convert(renderer, how, *value);
    renderer.charge(text.size());
    result.append(text);
  }
  if (next < positional.size() && !by_name && !named)
    throw template_error{"a format with too many arguments"};
  result.append(format, done, all.size());
  return result;
}

marked_text format_braces(template_renderer& renderer,
                          const marked_text& format,
                          const call_arguments& arguments) {
  marked_text result;
  auto all = std::string_view{format.bytes()};
  std::size_t next = 0, done = 0;
  for (auto at = all.find_first_of("{}"); at != std::string_view::npos;
       at = all.find_first_of("{}", done)) {
    result.append(format, done, at);
    if (all.substr(at + 1).starts_with(all[at])) {
      result.append(format, at, at + 1);
      done = at + 2;
      continue;
    }
    auto end = all.find('}', at);
    if (all[at] == '}' || end == std::string_view::npos)
      throw template_error{"a format with a single brace"};
    auto field = all.substr(at + 1, end - at - 1);
    // Behind a colon only the type that the value has anyway.
    auto colon = std::min(field.find(':'), field.size());
    auto type = field.substr(std::min(colon + 1, field.size()));
    field = field.substr(0, colon);
    if (field.find_first_of(".[!{") != std::string_view::npos
        || (!type.empty() && type != "d" && type != "s"))
      throw template_error{fmt::format("the format \"{{{}}}\" is not supported",
                                       all.substr(at + 1, end - at - 1))};
    const template_value* value = nullptr;
    std::size_t index = next;
    auto parsed =
        std::from_chars(field.data(), field.data() + field.size(), index);
    if (field.empty() || parsed.ptr == field.data() + field.size()) {
      next += field.empty();
      if (index < arguments.positional.size())
        value = &arguments.positional[index];
    } else {
      for (auto& [name, given] : arguments.named)
        if (name == field)
          value = &given;
    }
    if (!value)
      throw template_error{
          fmt::format("a format without an argument for \"{{{}}}\"", field)};
    if ((type == "d" && !value->as_integer())
        || (type == "s" && !value->as_text()))
      fail_type(*value, "of the type that the format names");
    auto text = to_text(renderer, *value);
    renderer.charge(text.size());
    result.append(text);
    done = end + 1;
  }
  result.append(format, done, all.size());
  return result;
}

} // namespace model_server
