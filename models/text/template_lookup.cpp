// Attributes, items, iteration and calls.
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"
#include "models/text/template_renderer.hpp"

#include "models/text/python_text.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

namespace model_server {

namespace {

constexpr std::int64_t max_range = 100'000;

/// What would change a list or a dict; templates may not.
bool is_forbidden(const template_value& object, std::string_view name) {
  constexpr std::array<std::string_view, 8> of_lists{
      "append", "clear", "pop",    "reverse",
      "insert", "sort",  "extend", "remove"};
  constexpr std::array<std::string_view, 5> of_dicts{"clear", "pop", "popitem",
                                                     "setdefault", "update"};
  auto in = [&](auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  auto* list = object.as_list();
  return name.starts_with("__")
         || (list && list->kind == sequence_kind::list && in(of_lists))
         || (object.as_dict() && in(of_dicts));
}

/// What Python's numbers have, and templates don't need.
bool is_number_method(std::string_view name) {
  constexpr std::array<std::string_view, 13> names{
      "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator",
      "from_bytes",       "fromhex",   "hex",        "imag",      "is_integer",
      "numerator",        "real",      "to_bytes"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What has such an attribute in Python, and nobody knows of here.
bool is_unknown_part(const template_value& object, std::string_view name) {
  auto* thing = object.as_object();
  if (dynamic_cast<const iterator_object*>(thing))
    return name == "send" || name == "throw" || name == "close"
           || name.starts_with("gi_");
  if (dynamic_cast<const method_object*>(thing)
      || dynamic_cast<const function_object*>(thing))
    return false;
  return thing || (to_number(object) && is_number_method(name));
}

template_value no_attribute(const template_value& object,
                            std::string_view name) {
  return template_value::undefined(
      fmt::format("'{}' has no attribute '{}'",
                  object.is_none() ? "None" : type_name(object), name));
}

/// An attribute of `loop`.
template_value loop_attribute(const loop_object& loop, std::string_view name) {
  auto& items = *loop.items;
  auto number = [](std::size_t value) {
    return template_value::integer(static_cast<std::int64_t>(value));
  };
  if (name == "index")
    return number(loop.index + 1);
  if (name == "index0")
    return number(loop.index);
  if (name == "first")
    return template_value::boolean(loop.index == 0);
  if (name == "last")
    return template_value::boolean(loop.index + 1 >= items.size());
  if (name == "length")
    return number(items.size());
  if (name == "revindex")
    return number(items.size() - loop.index);
  if (name == "revindex0")
    return number(items.size() - loop.index - 1);
  // Only recursive loops have a depth, and there are none.
  if (name == "depth")
    return number(1);
  if (name == "depth0")
    return number(0);
  if (name == "previtem")
    return loop.index > 0 && loop.index <= items.size()
               ? items[loop.index - 1]
               : template_value::undefined("there is no previous item");
  if (name == "nextitem")
    return loop.index + 1 < items.size()
               ? items[loop.index + 1]
               : template_value::undefined("there is no next item");
  return no_attribute(template_value{}, name);
}

} // namespace

template_value template_renderer::attribute(const template_value& object,
                                            const std::string& name) {
  if (object.is_undefined())
    fail_type(object, "an object");
  if (is_forbidden(object, name))
    return template_value::undefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe.", name,
                    type_name(object)));
  if (has_method(object, name)) {
    auto* method = own<method_object>();
    method->self = object;
    method->name = name;
    return template_value::object(method);
  }
  if (auto* dict = object.as_dict()) {
    auto* found = dict->find(name);
    return found ? *found : no_attribute(object, name);
  }
  if (auto* space = dynamic_cast<namespace_object*>(object.as_object())) {
    auto found = space->attributes.find(name);
    return found != space->attributes.end() ? found->second
                                            : no_attribute(object, name);
  }
  if (auto* loop = dynamic_cast<loop_object*>(object.as_object()))
    return loop_attribute(*loop, name);
  if (is_unknown_part(object, name))
    throw template_error{fmt::format("\"{}\" of a value of type {} is not "
                                     "supported",
                                     name, type_name(object))};
  return no_attribute(object, name);
}

template_value template_renderer::item(const template_value& object,
                                       const template_value& key) {
  if (object.is_undefined())
    fail_type(object, "an object");
  if (auto* dict = object.as_dict())
    if (auto* found = dict->find(key))
      return *found;
  if (auto index = to_integer(key)) {
    auto at = [&](std::size_t size) -> std::optional<std::size_t> {
      auto definite =
          *index < 0 ? *index + static_cast<std::int64_t>(size) : *index;
      if (definite < 0 || definite >= static_cast<std::int64_t>(size))
        return std::nullopt;
      return static_cast<std::size_t>(definite);
    };
    auto* list = object.as_list();
    if (list && list->kind <= sequence_kind::range)
      if (auto place = at(list->items.size()))
        return list->items[*place];
    if (auto* text = object.as_text()) {
      spend(text->size() / 64);
      if (auto place = at(count_utf8(text->bytes())))
        return make_text(
            slice_text(*text, {static_cast<std::int64_t>(*place), 1, 1}),
            object.is_markup());
    }
  } else if (auto* name = key.as_text(); name && !object.as_dict()) {
    return attribute(object, name->bytes());
  } else if (name) {
    // A dict without that key may have a method of that name.
    if (is_forbidden(object, name->bytes())
        || has_method(object, name->bytes()))
      return attribute(object, name->bytes());
  }
  return template_value::undefined(
      fmt::format("{} object has no element {}", type_name(object),
                  key.as_list() || key.as_dict() || key.as_object()
                      ? std::string{type_name(key)}
                      : to_repr(*this, key).bytes()));
}

std::vector<template_value>
template_renderer::iterate(const template_value& value) {
  std::vector<template_value> result;
  if (auto* list = value.as_list()) {
    charge(list->items.size() * sizeof(template_value));
    result = list->items;
  } else if (auto* dict = value.as_dict()) {
    charge(dict->size() * sizeof(template_value));
    for (auto& [key, unused] : dict->entries())
      result.push_back(key);
  } else if (auto* text = value.as_text()) {
    auto all = std::string_view{text->bytes()};
    for (std::size_t at = 0; at < all.size();) {
      auto size = read_utf8(all.substr(at)).size;
      result.push_back(make_text(text->slice(at, at + size)));
      at += size;
    }
  } else if (auto* once = dynamic_cast<iterator_object*>(value.as_object())) {
    charge(once->items.size() * sizeof(template_value));
    result.assign(once->items.begin() + static_cast<std::ptrdiff_t>(once->next),
                  once->items.end());
    once->next = once->items.size();
  } else if (!value.is_undefined()) {
    fail_type(value, "something to go through");
  }
  return result;
}

std::size_t template_renderer::length(const template_value& value) {
  if (auto* text = value.as_text()) {
    spend(text->size() / 1024);
    return count_utf8(text->bytes());
  }
  if (auto* list = value.as_list())
    return list->items.size();
  if (auto* dict = value.as_dict())
    return dict->size();
  if (auto* loop = dynamic_cast<loop_object*>(value.as_object()))
    return loop->items->size();
  if (!value.is_undefined())
    fail_type(value, "something with a length");
  return 0;
}

template_value template_renderer::call(const template_value& callee,
                                       const call_arguments& arguments) {
  auto* object = callee.as_object();
  if (auto* macro = dynamic_cast<macro_object*>(object))
    return call_macro(*macro, arguments);
  if (auto* method = dynamic_cast<method_object*>(object))
    return call_method(method->self, method->name, arguments);
  if (auto* function = dynamic_cast<function_object*>(object))
    return call_function(function->name, arguments);
  fail_type(callee, "something to call");
}

template_value
template_renderer::call_function(const std::string& name,
                                 const call_arguments& arguments) {
  if (name == "raise_exception") {
    auto* message = arguments.bind(name, {"message"})[0];
    throw template_refusal{message ? to_text(*this, *message).bytes()
                                   : std::string{}};
  }
  if (name == "strftime_now") {
    auto* format = arguments.bind(name, {"format"})[0];
    if (!format || !format->as_text())
      throw template_error{"strftime_now needs a format"};
    std::array<char, 1024> buffer;
    auto now = clock_();
    auto size = std::strftime(buffer.data(), buffer.size(),
                              format->as_text()->bytes().c_str(), &now);
    return make_text({std::string{buffer.data(), size}, true});
  }
  if (name == "namespace" || name == "dict") {
    template_dict entries;
    auto given = arguments.positional.empty()
                     ? nullptr
                     : arguments.positional[0].as_dict();
    if (arguments.positional.size() > 1
        || (!arguments.positional.empty() && !given))
      throw template_error{
          fmt::format("{} takes one dict and named arguments", name)};
    if (given)
      entries = *given;
    for (auto& [key, value] : arguments.named)
      entries.set(key, value);
    charge(entries.size() * 512);
    if (name == "dict")
      return template_value::dict(std::move(entries));
    auto* space = own<namespace_object>();
    for (auto& [key, value] : entries.entries())
      if (auto* text = key.as_text())
        space->attributes[text->bytes()] = value;
    return template_value::object(space);
  }
  if (name == "range") {
    auto bounds = arguments.bind(name, {"start", "stop", "step"});
    auto integer = [&](std::size_t i, std::int64_t otherwise) {
      if (!bounds[i])
        return otherwise;
      auto value = to_integer(*bounds[i]);
      if (!value)
        fail_type(*bounds[i], "a bound of a range");
      return *value;
    };
    auto start = bounds[1] ? integer(0, 0) : 0;
    auto stop = bounds[1] ? integer(1, 0) : integer(0, 0);
    auto step = integer(2, 1);
    if (!bounds[0] || step == 0)
      throw template_error{"range needs a bound, and a step other than 0"};
    // As if over things so many that the bounds are never clipped.
    auto distance = step > 0 ? static_cast<long double>(stop) - start
                             : static_cast<long double>(start) - stop;
    auto count = std::ceil(distance / std::abs(static_cast<long double>(step)));
    if (count > max_range)
      throw template_error{fmt::format("a range of {} numbers; the limit is {}",
                                       static_cast<double>(count), max_range)};
    std::vector<template_value> items;
    auto left = static_cast<std::int64_t>(count);
    for (auto next = start; left > 0; --left) {
      items.push_back(template_value::integer(next));
      if (left > 1) // beyond the last one there may be no number
        next += step;
    }
    return make_list(std::move(items), sequence_kind::range);
  }
  throw template_error{
      fmt::format("the function \"{}\" is not supported", name)};
}

} // namespace model_server
