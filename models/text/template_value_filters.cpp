// Filters on text, numbers and single values.
#include "models/text/template_filters.hpp"

#include "models/text/python_text.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace model_server {

namespace {

using value = template_value;
using arguments = call_arguments;

bool flag(const value* given) {
  return given && is_true(*given);
}

std::int64_t integer_or(const value* given, std::int64_t otherwise) {
  if (!given)
    return otherwise;
  auto result = to_integer(*given);
  if (!result)
    fail_type(*given, "an integer");
  return *result;
}

/// A filter that makes text of the text of any value.
template <marked_text (*Change)(const marked_text&)>
value change(template_renderer& r, const value& input, const arguments& a) {
  a.bind("the filter", {});
  auto text = to_text(r, input);
  r.spend(text.size() / 32);
  return r.make_text(Change(text), input.is_markup());
}

value trim(template_renderer& r, const value& input, const arguments& a) {
  auto* characters = a.bind("trim", {"chars"})[0];
  if (characters && characters->is_none())
    characters = nullptr;
  if (characters && !characters->as_text())
    fail_type(*characters, "characters to trim");
  return r.make_text(strip_text(to_text(r, input),
                                characters ? characters->as_text() : nullptr,
                                true, true),
                     input.is_markup());
}

value replace(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("replace", {"old", "new", "count"});
  if (!given[0] || !given[1])
    throw template_error{"replace lacks an argument"};
  arguments texts;
  texts.positional = {r.make_text(to_text(r, *given[0])),
                      r.make_text(to_text(r, *given[1]))};
  if (given[2] && !given[2]->is_none())
    texts.positional.push_back(*given[2]);
  return r.call_method(r.make_text(to_text(r, input)), "replace", texts);
}

value indent(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("indent", {"width", "first", "blank"});
  if (!input.as_text() || input.is_markup())
    fail_type(input, "plain text to indent");
  marked_text space;
  if (given[0] && given[0]->as_text())
    space = *given[0]->as_text();
  else
    space = {std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(
                             integer_or(given[0], 4), 0, 1000)),
                         ' '),
             true};
  auto text = *input.as_text();
  text.append("\n", true);
  auto lines = split_lines(text, false);
  auto every = flag(given[2]);
  marked_text result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0)
      result.append("\n", true);
    auto indents = i == 0 ? flag(given[1]) : every || !lines[i].empty();
    if (indents)
      result.append(space);
    result.append(lines[i]);
    r.charge(space.size() + lines[i].size() + 64);
  }
  return r.make_text(std::move(result));
}

value string(template_renderer& r, const value& input, const arguments& a) {
  a.bind("string", {});
  return input.as_text() ? input : r.make_text(to_text(r, input));
}

value safe(template_renderer& r, const value& input, const arguments& a) {
  a.bind("safe", {});
  return r.make_text(to_text(r, input), true);
}

value escape(template_renderer& r, const value& input, const arguments& a) {
  a.bind("escape", {});
  auto text = to_text(r, input);
  r.charge(text.size() * 6);
  return r.make_text(input.is_markup() ? text : escape_html(text), true);
}

value format(template_renderer& r, const value& input, const arguments& a) {
  template_dict named;
  for (auto& [name, given] : a.named)
    named.set(name, given);
  if (!a.positional.empty() && named.size() > 0)
    throw template_error{
        "format takes positional or named arguments, not both"};
  return r.make_text(format_percent(r, to_text(r, input), a.positional,
                                    named.size() > 0 ? &named : nullptr));
}

value tojson(template_renderer& r, const value& input, const arguments& a) {
  auto given =
      a.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  json_style style;
  style.ascii_only = flag(given[0]);
  style.sort_keys = flag(given[3]);
  if (given[1] && !given[1]->is_none()) {
    if (auto* text = given[1]->as_text())
      style.indent = text->bytes();
    else
      style.indent =
          std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(
                          integer_or(given[1], 0), 0, 1000)),
                      ' ');
    style.item_separator = ",";
  }
  if (given[2] && !given[2]->is_none()) {
    auto* pair = given[2]->as_list();
    if (!pair || pair->items.size() != 2 || !pair->items[0].as_text()
        || !pair->items[1].as_text())
      fail_type(*given[2], "two separators");
    style.item_separator = pair->items[0].as_text()->bytes();
    style.key_separator = pair->items[1].as_text()->bytes();
  }
  return r.make_text(to_json(r, input, style));
}

value otherwise(template_renderer&, const value& input, const arguments& a) {
  auto given = a.bind("default", {"default_value", "boolean"});
  if (input.is_undefined() || (flag(given[1]) && !is_true(input)))
    return given[0] ? *given[0] : value::text("", true);
  return input;
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

value attr(template_renderer& r, const value& input, const arguments& a) {
  auto* name = a.bind("attr", {"name"})[0];
  if (!name || !name->as_text())
    throw template_error{"attr lacks a name"};
  // Unlike the dot it doesn't look for a key.
  if (input.as_dict()
      && !template_renderer::has_method(input, name->as_text()->bytes()))
    return value::undefined(
        fmt::format("no attribute '{}'", name->as_text()->bytes()));
  return r.attribute(input, name->as_text()->bytes());
}

} // namespace

const filter_table& value_filters() {
  static const filter_table filters{
      {"abs", absolute},
      {"attr", attr},
      {"capitalize", change<capitalize_text>},
      {"d", otherwise},
      {"default", otherwise},
      {"e", escape},
      {"escape", escape},
      {"float", to_float},
      {"format", format},
      {"indent", indent},
      {"int", to_int},
      {"lower", change<lower_text>},
      {"replace", replace},
      {"round", rounded},
      {"safe", safe},
      {"string", string},
      {"title", change<title_words>},
      {"tojson", tojson},
      {"trim", trim},
      {"upper", change<upper_text>},
  };
  return filters;
}

} // namespace model_server
