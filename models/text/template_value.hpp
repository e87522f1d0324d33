// The values that templates compute with.
#pragma once

#include "models/text/marked_text.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace model_server {

class template_value;
class template_dict;

/// A thing that lives as long as one rendering: a namespace, a macro, a method.
class template_object {
public:
  virtual ~template_object() = default;
};

/// What Python would call a sequence of values; it decides how it prints and
/// what may be done with it.
enum class sequence_kind {
  list,
  tuple,
  range,
  dict_keys,
  dict_values,
  dict_items
};

/// Values in order; they never change once shared.
struct template_list {
  std::vector<template_value> items;
  sequence_kind kind = sequence_kind::list;
  std::size_t depth = 1;
};

/// Stands for a name or a key that isn't there: empty where it is only printed,
/// an error where it is used.
struct template_undefined {
  /// What was not there, for the error.
  std::string what;
};

/// None, as Python calls it.
struct template_none {};

/// One value: as Python's, and strings remember who wrote them.
class template_value {
public:
  /// How deep lists and dicts may be nested; making a deeper one throws
  /// `std::runtime_error`.
  static constexpr std::size_t max_depth = 100;

  using variant =
      std::variant<template_undefined, template_none, bool, std::int64_t,
                   double, std::shared_ptr<const marked_text>,
                   std::shared_ptr<const template_list>,
                   std::shared_ptr<const template_dict>, template_object*>;

  /// Undefined, with no name to it.
  template_value() = default;

  static template_value undefined(std::string what);
  static template_value none();
  static template_value boolean(bool value);
  static template_value integer(std::int64_t value);
  static template_value real(double value);
  static template_value text(marked_text value);
  static template_value text(std::string bytes, bool trusted);
  /// Text that has been escaped: plain text is escaped when added to it.
  static template_value markup(marked_text value);
  static template_value list(std::vector<template_value> items,
                             sequence_kind kind = sequence_kind::list);
  static template_value dict(template_dict value);
  /// `object` belongs to the rendering and outlives the value.
  static template_value object(template_object* object);

  const variant& get() const {
    return value_;
  }

  bool is_undefined() const {
    return std::holds_alternative<template_undefined>(value_);
  }
  bool is_none() const {
    return std::holds_alternative<template_none>(value_);
  }
  bool is_markup() const {
    return is_markup_;
  }

  /// The value's inside if it is of that kind, else null.
  const bool* as_boolean() const;
  const std::int64_t* as_integer() const;
  const double* as_real() const;
  const marked_text* as_text() const;
  const template_list* as_list() const;
  const template_dict* as_dict() const;
  template_object* as_object() const;

private:
  variant value_;
  bool is_markup_ = false;
};

/// Keys and values in the order in which the keys came. Keys are strings,
/// numbers, booleans or None.
class template_dict {
public:
  using entry = std::pair<template_value, template_value>;

  /// Sets or replaces; false if `key` is of a kind that can't be a key.
  bool set(const template_value& key, template_value value);
  void set(std::string_view key, template_value value);

  /// The value of `key`, or null.
  const template_value* find(const template_value& key) const;
  const template_value* find(std::string_view key) const;

  const std::vector<entry>& entries() const {
    return entries_;
  }
  std::size_t size() const {
    return entries_.size();
  }
  std::size_t depth() const {
    return depth_;
  }

private:
  const template_value* find_spelled(const std::string& key) const;

  std::vector<entry> entries_;
  std::unordered_map<std::string, std::size_t> places_;
  std::size_t depth_ = 1;
};

/// JSON text as a value; its strings carry `trusted`. Throws
/// `std::runtime_error` if it is no JSON or nested too deep.
template_value template_value_from_json(std::string json, bool trusted);

} // namespace model_server
