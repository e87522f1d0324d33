// Things that templates hold but can't print.
#pragma once

#include "models/text/template_tree.hpp"
#include "models/text/template_value.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// What `namespace()` makes: the one thing that can be changed.
struct namespace_object : template_object {
  std::map<std::string, template_value> attributes;
};

/// Variables of a block; `parent` is looked in next.
struct template_scope {
  template_scope* parent = nullptr;
  std::vector<std::pair<std::size_t, template_value>> values;
};

/// A macro, or the body of a call block; `definition` belongs to the tree.
struct macro_object : template_object {
  const template_statement* definition = nullptr;
  /// Whose variables it sees; null for the template's own.
  template_scope* home = nullptr;
};

/// A method together with what it is of.
struct method_object : template_object {
  template_value self;
  std::string name;
};

/// A function that every template has.
struct function_object : template_object {
  std::string name;
};

/// Values that can be gone through once.
struct iterator_object : template_object {
  std::vector<template_value> items;
  std::size_t next = 0;
};

/// `loop` inside of a loop.
struct loop_object : template_object {
  const std::vector<template_value>* items = nullptr;
  std::size_t index = 0;
  std::size_t depth = 0;
  /// What `loop.changed` was last called with.
  std::vector<template_value> last;
  bool was_asked = false;
};

} // namespace model_server
