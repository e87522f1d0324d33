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

bool flag(const value* given) {
  return given && is_true(*given);
}

/// What a path such as `function.name` or `0` leads to.
value follow(template_renderer& r, value from, const value& path,
             const value* otherwise = nullptr) {
  values parts{path};
  if (auto* text = path.as_text()) {
    parts.clear();
    marked_text dot{".", true};
    for (auto& part : split_text(*text, &dot, -1, false)) {
      auto& bytes = part.bytes();
      auto is_number =
          !bytes.empty() && bytes.size() < 10
          && bytes.find_first_not_of("0123456789") == std::string::npos;
      parts.push_back(is_number ? value::integer(std::stoll(bytes))
                                : value::text(part));
    }
  }
  for (auto& part : parts) {
    from = r.item(from, part);
    if (otherwise && !otherwise->is_none() && from.is_undefined())
      from = *otherwise;
  }
  return from;
}

/// Text in lower case, for comparisons that don't mind case.
value fold(template_renderer& r, const value& input) {
  auto* text = input.as_text();
  return text ? r.make_text(lower_text(*text)) : input;
}

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

/// Sorts `result` by keys that `make` gives.
template <class Make>
void sort_by(template_renderer& r, values& result, bool descending,
             const Make& make) {
  std::vector<std::pair<value, value>> keyed;
  for (auto& each : result) {
    r.charge(128);
    keyed.emplace_back(make(each), std::move(each));
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](auto& x, auto& y) {
    return descending ? order(r, y.first, x.first) < 0
                      : order(r, x.first, y.first) < 0;
  });
  for (std::size_t i = 0; i < keyed.size(); ++i)
    result[i] = std::move(keyed[i].second);
}

value sort(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("sort", {"reverse", "case_sensitive", "attribute"});
  auto exact = flag(given[1]);
  values paths;
  if (given[2] && given[2]->as_text()) {
    marked_text comma{",", true};
    for (auto& path : split_text(*given[2]->as_text(), &comma, -1, false))
      paths.push_back(value::text(path));
  } else if (given[2] && !given[2]->is_none()) {
    paths.push_back(*given[2]);
  }
  auto result = r.iterate(input);
  sort_by(r, result, flag(given[0]), [&](const value& each) {
    values keys;
    for (auto& path : paths)
      keys.push_back(follow(r, each, path));
    if (paths.empty())
      keys.push_back(each);
    if (!exact)
      for (auto& key : keys)
        key = fold(r, key);
    return value::list(std::move(keys));
  });
  return r.make_list(std::move(result));
}

value dictsort(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("dictsort", {"case_sensitive", "by", "reverse"});
  auto by = given[1] ? to_text(r, *given[1]).bytes() : "key";
  if (by != "key" && by != "value")
    throw template_error{"dictsort goes by \"key\" or by \"value\""};
  if (!input.as_dict())
    fail_type(input, "a dict");
  values result;
  for (auto& [key, each] : input.as_dict()->entries())
    result.push_back(r.make_list({key, each}, sequence_kind::tuple));
  auto exact = flag(given[0]);
  sort_by(r, result, flag(given[2]), [&](const value& pair) {
    auto& key = pair.as_list()->items[by == "key" ? 0 : 1];
    return exact ? key : fold(r, key);
  });
  return r.make_list(std::move(result));
}

value unique(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("unique", {"case_sensitive", "attribute"});
  auto exact = flag(given[0]);
  template_dict seen;
  values result;
  for (auto& each : r.iterate(input)) {
    auto key =
        given[1] && !given[1]->is_none() ? follow(r, each, *given[1]) : each;
    if (!exact)
      key = fold(r, key);
    if (seen.find(key))
      continue;
    r.charge(512);
    if (!seen.set(key, value::none()))
      fail_type(key, "something to tell apart");
    result.push_back(std::move(each));
  }
  return r.make_iterator(std::move(result));
}

template <bool Largest>
value extreme(template_renderer& r, const value& input, const arguments& a) {
  auto given = a.bind("min", {"case_sensitive", "attribute"});
  auto exact = flag(given[0]);
  auto key_of = [&](const value& each) {
    auto key =
        given[1] && !given[1]->is_none() ? follow(r, each, *given[1]) : each;
    return exact ? key : fold(r, key);
  };
  std::optional<value> best, best_key;
  for (auto& each : r.iterate(input)) {
    auto key = key_of(each);
    if (best_key) {
      auto how = order(r, key, *best_key);
      if (Largest ? how <= 0 : how >= 0)
        continue;
    }
    best_key = std::move(key);
    best = std::move(each);
  }
  return best ? *best : value::undefined("no item, it is empty");
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
      {"dictsort", dictsort},
      {"first", first},
      {"items", items},
      {"join", join},
      {"last", last},
      {"length", length},
      {"list", list},
      {"map", map},
      {"max", extreme<true>},
      {"min", extreme<false>},
      {"reject", choose<false, false>},
      {"rejectattr", choose<false, true>},
      {"reverse", reverse},
      {"select", choose<true, false>},
      {"selectattr", choose<true, true>},
      {"sort", sort},
      {"sum", sum},
      {"unique", unique},
  };
  return filters;
}

value template_renderer::apply_filter(const std::string& name,
                                      const template_value& input,
                                      const call_arguments& given) {
  spend(1);
  for (auto* table : {&value_filters(), &list_filters()})
    if (auto found = table->find(name); found != table->end())
      return found->second(*this, input, given);
  throw template_error{fmt::format("the filter \"{}\" is not supported", name)};
}

} // namespace model_server
