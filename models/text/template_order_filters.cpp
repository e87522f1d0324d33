// Filters that compare the things in a list.
#include "models/text/template_filters.hpp"

#include "models/text/python_text.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"

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

/// Text in lower case, for comparisons that don't mind case.
value fold(template_renderer& r, const value& input) {
  auto* text = input.as_text();
  return text ? r.make_text(lower_text(*text)) : input;
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

} // namespace

template_value follow(template_renderer& r, value from, const value& path,
                      const value* otherwise) {
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

const filter_table& order_filters() {
  static const filter_table filters{
      {"dictsort", dictsort}, {"max", extreme<true>}, {"min", extreme<false>},
      {"sort", sort},         {"unique", unique},
  };
  return filters;
}

} // namespace model_server
