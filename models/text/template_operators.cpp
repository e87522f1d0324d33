// Kinds, truth, equality and order of values.
#include "models/text/template_operators.hpp"

#include "models/text/python_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace model_server {

bool is_plain_list(const template_list* list) {
  return list
         && (list->kind == sequence_kind::list
             || list->kind == sequence_kind::tuple);
}

std::string_view type_name(const template_value& value) {
  constexpr std::string_view names[] = {"Undefined", "NoneType", "bool",
                                        "int",       "float",    "str",
                                        "list",      "dict",     "object"};
  if (auto* list = value.as_list()) {
    constexpr std::string_view kinds[] = {
        "list", "tuple", "range", "dict_keys", "dict_values", "dict_items"};
    return kinds[static_cast<std::size_t>(list->kind)];
  }
  if (dynamic_cast<iterator_object*>(value.as_object()))
    return "generator";
  return names[value.get().index()];
}

void fail_type(const template_value& value, std::string_view wanted) {
  if (auto* missing = std::get_if<template_undefined>(&value.get()))
    throw template_error{missing->what.empty() ? "a value is undefined"
                                               : missing->what};
  throw template_error{
      fmt::format("a value of type {} is not {}", type_name(value), wanted)};
}

bool is_true(const template_value& value) {
  if (value.is_undefined() || value.is_none())
    return false;
  if (auto number = to_number(value))
    return *number != 0;
  if (auto* text = value.as_text())
    return !text->empty();
  if (auto* list = value.as_list())
    return !list->items.empty();
  if (auto* dict = value.as_dict())
    return dict->size() > 0;
  return true;
}

std::optional<std::int64_t> to_integer(const template_value& value) {
  if (auto* integer = value.as_integer())
    return *integer;
  if (auto* flag = value.as_boolean())
    return *flag ? 1 : 0;
  return std::nullopt;
}

std::optional<double> to_number(const template_value& value) {
  if (auto* real = value.as_real())
    return *real;
  if (auto integer = to_integer(value))
    return static_cast<double>(*integer);
  return std::nullopt;
}

bool equals(template_renderer& renderer, const template_value& a,
            const template_value& b) {
  renderer.spend(1);
  auto whole_a = to_integer(a), whole_b = to_integer(b);
  if (whole_a && whole_b)
    return *whole_a == *whole_b;
  auto number_a = to_number(a), number_b = to_number(b);
  if (number_a || number_b)
    return number_a && number_b && *number_a == *number_b;
  if (a.get().index() != b.get().index())
    return false;
  if (auto* text = a.as_text()) {
    renderer.spend(text->size() / 1024);
    return *text == *b.as_text();
  }
  if (auto* list = a.as_list()) {
    auto* other = b.as_list();
    return list->kind == other->kind
           && std::equal(
               list->items.begin(), list->items.end(), other->items.begin(),
               other->items.end(),
               [&](auto& x, auto& y) { return equals(renderer, x, y); });
  }
  if (auto* dict = a.as_dict()) {
    auto* other = b.as_dict();
    return dict->size() == other->size()
           && std::all_of(dict->entries().begin(), dict->entries().end(),
                          [&](auto& entry) {
                            auto* same = other->find(entry.first);
                            return same
                                   && equals(renderer, entry.second, *same);
                          });
  }
  if (auto* object = a.as_object())
    return object == b.as_object();
  return true; // both undefined, or both None
}

int order(template_renderer& renderer, const template_value& a,
          const template_value& b) {
  renderer.spend(1);
  auto whole_a = to_integer(a), whole_b = to_integer(b);
  if (whole_a && whole_b)
    return *whole_a < *whole_b ? -1 : *whole_a > *whole_b;
  auto number_a = to_number(a), number_b = to_number(b);
  if (number_a && number_b) {
    if (std::isnan(*number_a) || std::isnan(*number_b))
      throw template_error{"NaN has no order"};
    return *number_a < *number_b ? -1 : *number_a > *number_b;
  }
  auto *text_a = a.as_text(), *text_b = b.as_text();
  if (text_a && text_b) {
    renderer.spend(std::min(text_a->size(), text_b->size()) / 1024);
    return text_a->bytes().compare(text_b->bytes());
  }
  auto *list_a = a.as_list(), *list_b = b.as_list();
  if (is_plain_list(list_a) && is_plain_list(list_b)
      && list_a->kind == list_b->kind) {
    auto &x = list_a->items, &y = list_b->items;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equals(renderer, x[i], y[i]))
        return order(renderer, x[i], y[i]);
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  for (auto* value : {&a, &b})
    if (value->is_undefined())
      fail_type(*value, "an operand");
  throw template_error{
      fmt::format("{} and {} have no order", type_name(a), type_name(b))};
}

bool contains(template_renderer& renderer, const template_value& container,
              const template_value& item) {
  if (auto* text = container.as_text()) {
    auto* part = item.as_text();
    if (!part)
      fail_type(item, "a string to look for in a string");
    renderer.spend(text->size() / 256);
    return find_bytes(text->bytes(), part->bytes()) != std::string_view::npos;
  }
  if (auto* dict = container.as_dict()) {
    if (item.as_list() || item.as_dict())
      fail_type(item, "a dict's key");
    return dict->find(item) != nullptr;
  }
  auto items = renderer.iterate(container);
  return std::any_of(items.begin(), items.end(),
                     [&](auto& each) { return equals(renderer, each, item); });
}

marked_text escape_html(const marked_text& text) {
  marked_text result;
  std::size_t done = 0;
  auto& bytes = text.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    constexpr std::string_view special = "&<>\"'";
    constexpr std::string_view escapes[] = {"&amp;", "&lt;", "&gt;", "&#34;",
                                            "&#39;"};
    auto which = special.find(bytes[i]);
    if (which == std::string_view::npos)
      continue;
    result.append(text, done, i);
    result.append(escapes[which], text.is_trusted_at(i));
    done = i + 1;
  }
  result.append(text, done, bytes.size());
  return result;
}

} // namespace model_server
