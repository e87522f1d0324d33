// Calls the methods of strings, lists, dicts and `loop`.
#include "models/text/template_methods.hpp"
#include "models/text/template_operators.hpp"
#include "models/text/template_renderer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace model_server {

namespace {

using arguments = call_arguments;

constexpr std::array<std::string_view, 6> dict_methods{
    "copy", "fromkeys", "get", "items", "keys", "values"};

template_value call_dict(template_renderer& r, const template_value& object,
                         std::string_view name, const arguments& a) {
  auto& dict = *object.as_dict();
  if (name == "get") {
    auto given = a.bind("get", {"key", "default"});
    if (!given[0])
      throw template_error{"get lacks a key"};
    auto* found = dict.find(*given[0]);
    return found ? *found : given[1] ? *given[1] : template_value::none();
  }
  a.bind(name, {});
  if (name == "copy")
    return object;
  if (name == "fromkeys")
    throw template_error{"the method \"fromkeys\" is not supported"};
  std::vector<template_value> items;
  for (auto& [key, value] : dict.entries())
    items.push_back(name == "keys" ? key
                    : name == "values"
                        ? value
                        : r.make_list({key, value}, sequence_kind::tuple));
  return r.make_list(std::move(items), name == "keys" ? sequence_kind::dict_keys
                                       : name == "values"
                                           ? sequence_kind::dict_values
                                           : sequence_kind::dict_items);
}

template_value call_list(template_renderer& r, const template_value& object,
                         std::string_view name, const arguments& a) {
  auto& items = object.as_list()->items;
  if (name == "copy") {
    a.bind(name, {});
    return object;
  }
  auto* wanted = a.bind(name, {"value"})[0];
  if (!wanted)
    throw template_error{fmt::format("{} lacks an argument", name)};
  auto is_it = [&](auto& each) { return equals(r, each, *wanted); };
  if (name == "count")
    return template_value::integer(
        std::count_if(items.begin(), items.end(), is_it));
  auto found = std::find_if(items.begin(), items.end(), is_it);
  if (found == items.end())
    throw template_error{"the value is not in the list"};
  return template_value::integer(found - items.begin());
}

template_value call_loop(template_renderer& r, loop_object& loop,
                         std::string_view name, const arguments& a) {
  if (name == "cycle") {
    if (a.positional.empty())
      throw template_error{"nothing to cycle through"};
    return a.positional[loop.index % a.positional.size()];
  }
  auto same = loop.was_asked
              && std::equal(loop.last.begin(), loop.last.end(),
                            a.positional.begin(), a.positional.end(),
                            [&](auto& x, auto& y) { return equals(r, x, y); });
  loop.was_asked = true;
  loop.last = a.positional;
  return template_value::boolean(!same);
}

} // namespace

bool template_renderer::has_method(const template_value& object,
                                   std::string_view name) {
  if (object.as_text())
    return text_methods().contains(name);
  if (object.as_dict())
    return std::find(dict_methods.begin(), dict_methods.end(), name)
           != dict_methods.end();
  if (auto* list = object.as_list())
    return list->kind <= sequence_kind::range
           && (name == "index" || name == "count"
               || (name == "copy" && list->kind == sequence_kind::list));
  return dynamic_cast<loop_object*>(object.as_object())
         && (name == "cycle" || name == "changed");
}

template_value template_renderer::call_method(const template_value& object,
                                              const std::string& name,
                                              const call_arguments& given) {
  if (auto* text = object.as_text()) {
    auto method = text_methods().at(name);
    if (!method)
      throw template_error{
          fmt::format("the method \"{}\" is not supported", name)};
    if (object.is_markup())
      throw template_error{fmt::format(
          "the method \"{}\" of text marked safe is not supported", name)};
    return method(*this, *text, given);
  }
  if (object.as_dict())
    return call_dict(*this, object, name, given);
  if (object.as_list())
    return call_list(*this, object, name, given);
  return call_loop(*this, dynamic_cast<loop_object&>(*object.as_object()), name,
                   given);
}

} // namespace model_server
