// Makes values and looks into them.
#include "models/text/template_value.hpp"

#include "models/text/json_document.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

namespace model_server {

namespace {

std::size_t depth_of(const template_value& value) {
  if (auto* list = value.as_list())
    return list->depth;
  if (auto* dict = value.as_dict())
    return dict->depth();
  return 0;
}

std::size_t deeper(std::size_t depth) {
  if (depth >= template_value::max_depth)
    throw std::runtime_error{
        fmt::format("lists and dicts are nested deeper than {}",
                    template_value::max_depth)};
  return depth + 1;
}

/// A spelling under which equal keys are equal: 1, 1.0 and true are one key.
std::optional<std::string> spell_key(const template_value& key) {
  if (auto* text = key.as_text())
    return "s" + text->bytes();
  if (key.is_none())
    return "0";
  if (auto* flag = key.as_boolean())
    return *flag ? "n1" : "n0";
  if (auto* integer = key.as_integer())
    return "n" + std::to_string(*integer);
  if (auto* real = key.as_real()) {
    if (std::abs(*real) < 9e15 && std::trunc(*real) == *real)
      return "n" + std::to_string(static_cast<std::int64_t>(*real));
    return fmt::format("r{}", *real);
  }
  return std::nullopt;
}

template_value from_json(const rapidjson::Value& json, bool trusted) {
  auto text_value = [&](const rapidjson::Value& text) {
    if (!is_valid_utf8(text_of(text)))
      throw std::runtime_error{"JSON with a string that is not UTF-8"};
    return template_value::text(std::string{text_of(text)}, trusted);
  };
  if (json.IsObject()) {
    template_dict result;
    for (auto& member : json.GetObject())
      result.set(text_value(member.name), from_json(member.value, trusted));
    return template_value::dict(std::move(result));
  }
  if (json.IsArray()) {
    std::vector<template_value> items;
    for (auto& item : json.GetArray())
      items.push_back(from_json(item, trusted));
    return template_value::list(std::move(items));
  }
  if (json.IsString())
    return text_value(json);
  if (json.IsBool())
    return template_value::boolean(json.GetBool());
  if (json.IsInt64())
    return template_value::integer(json.GetInt64());
  if (json.IsNumber())
    return template_value::real(json.GetDouble());
  return template_value::none();
}

} // namespace

template_value template_value::undefined(std::string what) {
  template_value result;
  result.value_ = template_undefined{std::move(what)};
  return result;
}

template_value template_value::none() {
  template_value result;
  result.value_ = template_none{};
  return result;
}

template_value template_value::boolean(bool value) {
  template_value result;
  result.value_ = value;
  return result;
}

template_value template_value::integer(std::int64_t value) {
  template_value result;
  result.value_ = value;
  return result;
}

template_value template_value::real(double value) {
  template_value result;
  result.value_ = value;
  return result;
}

template_value template_value::text(marked_text value) {
  template_value result;
  result.value_ = std::make_shared<const marked_text>(std::move(value));
  return result;
}

template_value template_value::text(std::string bytes, bool trusted) {
  return text(marked_text{std::move(bytes), trusted});
}

template_value template_value::markup(marked_text value) {
  auto result = text(std::move(value));
  result.is_markup_ = true;
  return result;
}

template_value template_value::list(std::vector<template_value> items,
                                    sequence_kind kind) {
  std::size_t depth = 0;
  for (auto& item : items)
    depth = std::max(depth, depth_of(item));
  template_value result;
  result.value_ = std::make_shared<const template_list>(
      template_list{std::move(items), kind, deeper(depth)});
  return result;
}

template_value template_value::dict(template_dict value) {
  template_value result;
  result.value_ = std::make_shared<const template_dict>(std::move(value));
  return result;
}

template_value template_value::object(template_object* object) {
  template_value result;
  result.value_ = object;
  return result;
}

const bool* template_value::as_boolean() const {
  return std::get_if<bool>(&value_);
}

const std::int64_t* template_value::as_integer() const {
  return std::get_if<std::int64_t>(&value_);
}

const double* template_value::as_real() const {
  return std::get_if<double>(&value_);
}

const marked_text* template_value::as_text() const {
  auto* held = std::get_if<std::shared_ptr<const marked_text>>(&value_);
  return held ? held->get() : nullptr;
}

const template_list* template_value::as_list() const {
  auto* held = std::get_if<std::shared_ptr<const template_list>>(&value_);
  return held ? held->get() : nullptr;
}

const template_dict* template_value::as_dict() const {
  auto* held = std::get_if<std::shared_ptr<const template_dict>>(&value_);
  return held ? held->get() : nullptr;
}

template_object* template_value::as_object() const {
  auto* held = std::get_if<template_object*>(&value_);
  return held ? *held : nullptr;
}

bool template_dict::set(const template_value& key, template_value value) {
  auto spelled = spell_key(key);
  if (!spelled)
    return false;
  depth_ = std::max(depth_, deeper(depth_of(value)));
  auto [place, is_new] = places_.try_emplace(*spelled, entries_.size());
  if (is_new)
    entries_.emplace_back(key, std::move(value));
  else
    entries_[place->second].second = std::move(value);
  return true;
}

void template_dict::set(std::string_view key, template_value value) {
  set(template_value::text(std::string{key}, true), std::move(value));
}

const template_value* template_dict::find(const template_value& key) const {
  auto spelled = spell_key(key);
  return spelled ? find_spelled(*spelled) : nullptr;
}

const template_value* template_dict::find(std::string_view key) const {
  return find_spelled("s" + std::string{key});
}

const template_value*
template_dict::find_spelled(const std::string& key) const {
  auto place = places_.find(key);
  return place == places_.end() ? nullptr : &entries_[place->second].second;
}

template_value template_value_from_json(std::string json, bool trusted) {
  json_document document{std::move(json), "JSON", template_value::max_depth};
  return from_json(document.root(), trusted);
}

} // namespace model_server
