// The methods of strings.
#include "models/text/template_methods.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

#include "models/text/python_text.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

using arguments = call_arguments;

const marked_text* text_or_none(const template_value* value,
                                std::string_view what) {
  if (!value || value->is_none())
    return nullptr;
  if (!value->as_text())
    fail_type(*value, what);
  return value->as_text();
}

const marked_text& needed_text(const template_value* value,
                               std::string_view callee) {
  if (!value)
    throw template_error{fmt::format("{} lacks an argument", callee)};
  if (!value->as_text())
    fail_type(*value, "a string");
  return *value->as_text();
}

std::int64_t integer_or(const template_value* value, std::int64_t otherwise) {
  if (!value)
    return otherwise;
  auto result = to_integer(*value);
  if (!result)
    fail_type(*value, "an integer");
  return *result;
}

template <bool Left, bool Right>
template_value strip(template_renderer& r, const marked_text& text,
                     const arguments& a) {
  auto* characters =
      text_or_none(a.bind("strip", {"chars"})[0], "characters to strip");
  r.spend(text.size() / 64 * (characters ? characters->size() / 64 + 1 : 1));
  return r.make_text(strip_text(text, characters, Left, Right));
}

template <bool FromRight>
template_value split(template_renderer& r, const marked_text& text,
                     const arguments& a) {
  auto given = a.bind("split", {"sep", "maxsplit"});
  auto* separator = text_or_none(given[0], "a separator");
  auto limit = integer_or(given[1], -1);
  if (separator && separator->empty())
    throw template_error{"split has an empty separator"};
  // What the pieces cost is known only once they are there; count first.
  auto pieces = separator ? count_bytes(text.bytes(), separator->bytes())
                          : text.size() / 2;
  if (limit >= 0)
    pieces = std::min(pieces, static_cast<std::size_t>(limit));
  r.charge(text.size() + (separator ? pieces * 64 : 0));
  return r.make_texts(split_text(text, separator, limit, FromRight));
}

template <bool AtEnd>
template_value begins(template_renderer& r, const marked_text& text,
                      const arguments& a) {
  auto* wanted = a.bind("startswith", {"prefix"})[0];
  auto matches = [&](const marked_text& part) {
    r.spend(part.size() / 1024 + 1);
    return AtEnd ? text.bytes().ends_with(part.bytes())
                 : text.bytes().starts_with(part.bytes());
  };
  auto* choices = wanted ? wanted->as_list() : nullptr;
  if (!choices || choices->kind != sequence_kind::tuple)
    return template_value::boolean(matches(needed_text(wanted, "startswith")));
  auto& items = choices->items;
  return template_value::boolean(
      std::any_of(items.begin(), items.end(), [&](auto& each) {
        return matches(needed_text(&each, "startswith"));
      }));
}

template <bool FromRight>
template_value find(template_renderer& r, const marked_text& text,
                    const arguments& a) {
  auto& part = needed_text(a.bind("find", {"sub"})[0], "find");
  r.spend(text.size() / 64);
  auto all = std::string_view{text.bytes()};
  auto at = find_bytes(all, part.bytes());
  if (FromRight)
    for (auto next = at; next != std::string_view::npos;
         next = find_bytes(all, part.bytes(), at + 1)) {
      at = next;
      r.spend(1);
    }
  return template_value::integer(
      at == std::string_view::npos
          ? -1
          : static_cast<std::int64_t>(count_utf8(all.substr(0, at))));
}

template_value replace(template_renderer& r, const marked_text& text,
                       const arguments& a) {
  auto given = a.bind("replace", {"old", "new", "count"});
  auto& from = needed_text(given[0], "replace");
  auto& to = needed_text(given[1], "replace");
  auto limit = integer_or(given[2], -1);
  auto count = count_bytes(text.bytes(), from.bytes());
  if (limit >= 0)
    count = std::min(count, static_cast<std::size_t>(limit));
  r.charge(text.size() + count * 16);
  if (!to.empty() && count > r.limits().max_output_bytes / to.size())
    throw template_error{fmt::format(
        "replacing {} times by {} bytes makes a string over {} bytes", count,
        to.size(), r.limits().max_output_bytes)};
  return r.make_text(replace_text(text, from, to, limit));
}

/// A method without arguments that makes another text.
template <marked_text (*Change)(const marked_text&)>
template_value change(template_renderer& r, const marked_text& text,
                      const arguments& a) {
  a.bind("the method", {});
  r.spend(text.size() / 32);
  return r.make_text(Change(text));
}

/// A method that asks something of every character, and that there is one.
template <bool (*Holds)(char32_t)>
template_value all_are(template_renderer& r, const marked_text& text,
                       const arguments& a) {
  a.bind("the method", {});
  r.spend(text.size() / 64);
  auto rest = std::string_view{text.bytes()};
  while (!rest.empty()) {
    auto front = read_utf8(rest);
    if (!Holds(front.code))
      return template_value::boolean(false);
    rest.remove_prefix(front.size);
  }
  return template_value::boolean(!text.empty());
}

bool is_digit_character(char32_t code) {
  return code == 0xB2 || code == 0xB3 || code == 0xB9
         || (code >= 0x2070 && code <= 0x2089 && code != 0x2071)
         || is_decimal(code);
}

bool is_alphanumeric(char32_t code) {
  return is_letter(code) || is_numeric(code);
}

template <bool (*Is)(std::string_view)>
template_value has_case(template_renderer& r, const marked_text& text,
                        const arguments& a) {
  a.bind("the method", {});
  r.spend(text.size() / 64);
  return template_value::boolean(Is(text.bytes()));
}

template_value count(template_renderer& r, const marked_text& text,
                     const arguments& a) {
  auto& part = needed_text(a.bind("count", {"sub"})[0], "count");
  r.spend(text.size() / 64);
  return template_value::integer(
      static_cast<std::int64_t>(count_bytes(text.bytes(), part.bytes())));
}

template_value join(template_renderer& r, const marked_text& text,
                    const arguments& a) {
  auto* values = a.bind("join", {"iterable"})[0];
  if (!values)
    throw template_error{"join lacks an argument"};
  marked_text result;
  bool first = true;
  for (auto& value : r.iterate(*values)) {
    if (!first)
      result.append(text);
    first = false;
    auto& part = needed_text(&value, "join");
    r.charge(text.size() + part.size());
    result.append(part);
  }
  return r.make_text(std::move(result));
}

template_value lines(template_renderer& r, const marked_text& text,
                     const arguments& a) {
  auto* keep = a.bind("splitlines", {"keepends"})[0];
  r.charge(text.size());
  return r.make_texts(split_lines(text, keep && is_true(*keep)));
}

template <bool AtEnd>
template_value remove(template_renderer& r, const marked_text& text,
                      const arguments& a) {
  auto& part = needed_text(a.bind("removeprefix", {"prefix"})[0], "it");
  auto size = text.size();
  if (AtEnd && text.bytes().ends_with(part.bytes()))
    return r.make_text(text.slice(0, size - part.size()));
  if (!AtEnd && text.bytes().starts_with(part.bytes()))
    return r.make_text(text.slice(part.size(), size));
  return r.make_text(text);
}

template <bool FromRight>
template_value partition(template_renderer& r, const marked_text& text,
                         const arguments& a) {
  auto& mark = needed_text(a.bind("partition", {"sep"})[0], "partition");
  if (mark.empty())
    throw template_error{"partition has an empty separator"};
  r.charge(text.size());
  auto parts = split_text(text, &mark, 1, FromRight);
  std::vector<template_value> items;
  if (parts.size() == 2)
    items = {r.make_text(parts[0]), template_value::text(mark),
             r.make_text(parts[1])};
  else if (FromRight)
    items = {r.make_text({}), r.make_text({}), template_value::text(text)};
  else
    items = {template_value::text(text), r.make_text({}), r.make_text({})};
  return r.make_list(std::move(items), sequence_kind::tuple);
}

template_value format(template_renderer& r, const marked_text& text,
                      const arguments& a) {
  return r.make_text(format_braces(r, text, a));
}

} // namespace

const text_method_table& text_methods() {
  static const text_method_table methods{
      {"capitalize", change<capitalize_text>},
      {"count", count},
      {"endswith", begins<true>},
      {"find", find<false>},
      {"format", format},
      {"isalnum", all_are<is_alphanumeric>},
      {"isalpha", all_are<is_letter>},
      {"isdecimal", all_are<is_decimal>},
      {"isdigit", all_are<is_digit_character>},
      {"islower", has_case<is_lower_text>},
      {"isnumeric", all_are<is_numeric>},
      {"isspace", all_are<is_python_space>},
      {"isupper", has_case<is_upper_text>},
      {"join", join},
      {"lower", change<lower_text>},
      {"lstrip", strip<true, false>},
      {"partition", partition<false>},
      {"removeprefix", remove<false>},
      {"removesuffix", remove<true>},
      {"replace", replace},
      {"rfind", find<true>},
      {"rpartition", partition<true>},
      {"rsplit", split<true>},
      {"rstrip", strip<false, true>},
      {"split", split<false>},
      {"splitlines", lines},
      {"startswith", begins<false>},
      {"strip", strip<true, true>},
      {"title", change<title_text>},
      {"upper", change<upper_text>},
      {"casefold", nullptr},
      {"center", nullptr},
      {"encode", nullptr},
      {"expandtabs", nullptr},
      {"format_map", nullptr},
      {"index", nullptr},
      {"isascii", nullptr},
      {"isidentifier", nullptr},
      {"isprintable", nullptr},
      {"istitle", nullptr},
      {"ljust", nullptr},
      {"maketrans", nullptr},
      {"rindex", nullptr},
      {"rjust", nullptr},
      {"swapcase", nullptr},
      {"translate", nullptr},
      {"zfill", nullptr},
  };
  return methods;
}

} // namespace model_server
