// Filters on lists, dicts and other things to go through.
#include "models/text/template_filters.hpp"

#include "models/text/python_text.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace model_server {

namespace {

using value = template_value;
using arguments = call_arguments;
using values = std::vector<template_value>;

value length(template_renderer& r, const value& input, const arguments& a) {
  a.bind("length", {});
  return value::integer(static_cast<std::int64_t>(r.length(input)));
}

value list(template_renderer& r, const value& input, const arguments& a) {
  a.bind("list", {});
  return r.make_list(r.iterate(input));
}

value first(template_renderer& r, const value& input, const arguments& a) {
  a.bind("first", {});
  if (auto* once = dynamic_cast<iterator_object*>(input.as_object()))
    return once->next < once->items.size() ? once->items[once->next++]
                                           : value::undefined("no first item");
  if (input.as_text())
    return r.item(input, value::integer(0));
  auto items = r.iterate(input);
  return items.empty() ? value::undefined("no first item, it is empty")
                       : items.front();
}

value last(template_renderer& r, const value& input, const arguments& a) {
  a.bind("last", {});
  if (input.as_object())
    fail_type(input, "something with an end");
  if (input.as_text())
    return r.item(input, value::integer(-1));
  auto items = r.iterate(input);
  return items.empty() ? value::undefined("no last item, it is empty")
                       : items.back();
}

value join(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("join", {"d", "attribute"});
  auto delimiter = given[0] ? to_text(r, *given[0]) : marked_text{};
  marked_text result;
  bool is_first = true;
  for (auto& each : r.iterate(input)) {
    if (!is_first)
      result.append(delimiter);
    is_first = false;
    auto picked =
        given[1] && !given[1]->is_none() ? follow(r, each, *given[1]) : each;
    auto text = to_text(r, picked);
    r.charge(delimiter.size() + text.size());
    result.append(text);
  }
  return r.make_text(std::move(result));
}

value items(template_renderer& r, const value& input, const arguments& a) {
  a.bind("items", {});
  if (!input.as_dict() && !input.is_undefined())
    fail_type(input, "a mapping");
  values result;
  if (auto* dict = input.as_dict())
    for (auto& [key, each] : dict->entries())
      result.push_back(r.make_list({key, each}, sequence_kind::tuple));
  return r.make_iterator(std::move(result));
}

value reverse(template_renderer& r, const value& input, const arguments& a) {
  a.bind("reverse", {});
  if (auto* text = input.as_text())
    return r.make_text(slice_text(
        *text, resolve_slice(r.length(input), std::nullopt, std::nullopt, -1)));
  auto was_iterator = dynamic_cast<iterator_object*>(input.as_object());
  auto result = r.iterate(input);
  std::reverse(result.begin(), result.end());
  return was_iterator ? r.make_list(std::move(result))
                      : r.make_iterator(std::move(result));
}

value sum(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("sum", {"attribute", "start"});
  auto total = given[1] ? *given[1] : value::integer(0);
  for (auto& each : r.iterate(input))
    total = compute(
        r, expression_kind::add, total,
        given[0] && !given[0]->is_none() ? follow(r, each, *given[0]) : each);
  return total;
}

/// The filter that `map` was told to use, on every item.
value map(template_renderer& r, const value& input, const arguments& a) {
  values result;
  if (!is_true(input)) // even what can't be gone through
    return r.make_iterator({});
  if (!a.positional.empty()) {
    auto rest = a;
    rest.positional.erase(rest.positional.begin());
    auto name = to_text(r, a.positional[0]).bytes();
    for (auto& each : r.iterate(input))
      result.push_back(r.apply_filter(name, each, rest));
  } else {
    auto given = a.bind("map", {"attribute", "default"});
    if (!given[0])
      throw template_error{"map lacks a filter or an attribute"};
    for (auto& each : r.iterate(input))
      result.push_back(follow(r, each, *given[0], given[1]));
  }
  return r.make_iterator(std::move(result));
}

/// The items of which a test is true, or with `Wanted` false untrue.
template <bool Wanted, bool ByAttribute>
value choose(template_renderer& r, const value& input, const arguments& a) {
  if (!is_true(input)) // even what can't be gone through
    return r.make_iterator({});
  auto rest = a;
  auto take = [&]() -> std::optional<value> {
    if (rest.positional.empty())
      return std::nullopt;
    auto result = rest.positional.front();
    rest.positional.erase(rest.positional.begin());
    return result;
  };
  std::optional<value> path;
  if (ByAttribute && !(path = take()))
    throw template_error{"an attribute's name is missing"};
  auto test = take();
  auto name = test ? to_text(r, *test).bytes() : std::string{};
  values result;
  for (auto& each : r.iterate(input)) {
    auto subject = path ? follow(r, each, *path) : each;
    auto holds = test ? r.apply_test(name, subject, rest) : is_true(subject);
    if (holds == Wanted)
      result.push_back(std::move(each));
  }
  return r.make_iterator(std::move(result));
}

} // namespace

const filter_table& list_filters() {
  static const filter_table filters{
      {"count", length},
      {"first", first},
      {"items", items},
      {"join", join},
      {"last", last},
      {"length", length},
      {"list", list},
      {"map", map},
      {"reject", choose<false, false>},
      {"rejectattr", choose<false, true>},
      {"reverse", reverse},
      {"select", choose<true, false>},
      {"selectattr", choose<true, true>},
      {"sum", sum},
  };
  return filters;
}

} // namespace model_server
