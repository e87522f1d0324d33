// A parsed template.
#pragma once

#include "models/text/template_value.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// What an expression computes; the comment says what is in `parts`.
enum class expression_kind {
  constant,
  name,
  list,      // the items
  tuple,     // the items
  dict,      // key, value, key, value ...
  attribute, // the object; `text` is the attribute
  item,      // the object, the key
  slice,     // the object, start, stop, step; each but the first may be null
  call,      // the callee, the positional arguments
  filter,    // the input (null in a filter block), the arguments
  test,      // the input, the arguments
  negative,  // the operand, as for the next two
  positive,
  logical_not,
  logical_and, // two operands, as for the others below
  logical_or,
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  concat,      // all operands
  compare,     // first operand, then one for each of `comparisons`
  conditional, // condition, value, other value (may be null)
};

/// How two neighbours in a comparison are compared.
enum class comparison { eq, ne, lt, le, gt, ge, in, not_in };

struct template_expression;
using expression_ptr = std::unique_ptr<template_expression>;

/// A node of an expression.
struct template_expression {
  expression_kind kind = expression_kind::constant;
  std::size_t line = 0;
  /// Levels below and including this one; limited, so recursion is safe.
  std::size_t height = 1;
  /// The name of a variable, attribute, filter or test.
  std::string text;
  /// A variable's place in `template_tree::names`.
  std::size_t slot = 0;
  template_value constant;
  std::vector<expression_ptr> parts;
  /// Keyword arguments.
  std::vector<std::pair<std::string, expression_ptr>> named;
  /// A list and a dict of more arguments (`*` and `**`), or null.
  expression_ptr more_positional;
  expression_ptr more_named;
  std::vector<comparison> comparisons;
};

/// Where a value is put.
struct assign_target {
  /// A variable; or a namespace's attribute if `attribute` isn't empty.
  std::size_t slot = 0;
  std::string attribute;
  /// Not empty: the value is taken apart.
  std::vector<assign_target> parts;
};

enum class statement_kind {
  text,         // `text`
  output,       // the value of each of `expressions`
  branch,       // the first of `branches` whose condition holds
  loop,         // over expressions[0], where expressions[1] holds if not null
  assign,       // expressions[0] to `target`
  assign_block, // what `body` writes, through expressions[0] if not null
  macro,        // `text` is its name; `parameters`, `body`
  call_block,   // calls expressions[0]; `parameters`, `body` are its `caller`
  filter_block, // what `body` writes, through expressions[0]
  scope,        // `body`, with variables of its own
  with,         // `body`, after expressions[i] went to target.parts[i]
  break_loop,
  continue_loop,
};

struct template_statement;

/// An `if`, `elif` or (without condition) `else`.
struct template_branch {
  expression_ptr condition;
  std::vector<template_statement> body;
};

/// A parameter of a macro.
struct macro_parameter {
  std::string name;
  std::size_t slot = 0;
  expression_ptr otherwise;
};

/// A statement or a stretch of text.
struct template_statement {
  statement_kind kind = statement_kind::text;
  std::size_t line = 0;
  std::string text;
  std::vector<expression_ptr> expressions;
  assign_target target;
  std::vector<template_statement> body;
  std::vector<template_statement> else_body;
  std::vector<template_branch> branches;
  std::vector<macro_parameter> parameters;
  /// Where a macro that speaks of `caller` finds it.
  std::optional<std::size_t> caller_slot;
};

/// The whole of it.
struct template_tree {
  std::vector<template_statement> body;
  /// Every variable's name, by slot.
  std::vector<std::string> names;
};

} // namespace model_server
