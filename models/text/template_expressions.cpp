// Parses expressions, with Jinja's precedence.
#include "models/text/template_parser.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace model_server {

namespace {

using kind = expression_kind;

constexpr std::size_t max_height = 200;

} // namespace

expression_ptr template_parser::make(expression_kind what) const {
  auto node = std::make_unique<template_expression>();
  node->kind = what;
  node->line = current().line;
  return node;
}

expression_ptr template_parser::make(expression_kind what,
                                     expression_ptr part) {
  auto node = make(what);
  add_part(*node, std::move(part));
  return node;
}

void template_parser::add_part(template_expression& node,
                               expression_ptr part) const {
  if (part) {
    node.height = std::max(node.height, part->height + 1);
    if (node.height > max_height)
      fail("an expression is nested deeper than " + std::to_string(max_height));
  }
  node.parts.push_back(std::move(part));
}

/// One expression, or several with commas between.
expression_ptr template_parser::parse_tuple(bool with_conditional,
                                            bool explicit_parentheses) {
  auto node = make(kind::tuple);
  auto at_end = [&] {
    auto what = current().kind;
    return what == template_token_kind::variable_end
           || what == template_token_kind::block_end || current().is_op(")")
           || current().is_name("recursive");
  };
  bool is_tuple = false;
  while (!at_end()) {
    add_part(*node, parse_expression(with_conditional));
    if (!skip_op(","))
      break;
    is_tuple = true;
  }
  if (is_tuple)
    return node;
  if (!node->parts.empty())
    return std::move(node->parts[0]);
  if (!explicit_parentheses)
    fail_unexpected();
  return node;
}

expression_ptr template_parser::parse_expression(bool with_conditional) {
  level here{*this};
  auto node = parse_or();
  while (with_conditional && skip_name("if")) {
    auto outer = make(kind::conditional);
    add_part(*outer, parse_or());
    add_part(*outer, std::move(node));
    add_part(*outer, skip_name("else") ? parse_expression() : nullptr);
    node = std::move(outer);
  }
  return node;
}

expression_ptr template_parser::parse_or() {
  auto node = parse_and();
  while (skip_name("or")) {
    node = make(kind::logical_or, std::move(node));
    add_part(*node, parse_and());
  }
  return node;
}

expression_ptr template_parser::parse_and() {
  auto node = parse_not();
  while (skip_name("and")) {
    node = make(kind::logical_and, std::move(node));
    add_part(*node, parse_not());
  }
  return node;
}

expression_ptr template_parser::parse_not() {
  level here{*this};
  if (skip_name("not"))
    return make(kind::logical_not, parse_not());
  return parse_compare();
}

expression_ptr template_parser::parse_compare() {
  constexpr std::array<std::pair<std::string_view, comparison>, 6> operators{{
      {"==", comparison::eq},
      {"!=", comparison::ne},
      {"<=", comparison::le},
      {">=", comparison::ge},
      {"<", comparison::lt},
      {">", comparison::gt},
  }};
  auto node = parse_sum();
  expression_ptr chain;
  for (;;) {
    auto how = comparison::in;
    bool found = false;
    for (auto [spelling, meaning] : operators)
      if (!found && skip_op(spelling)) {
        how = meaning;
        found = true;
      }
    if (!found && current().is_name("not") && ahead().is_name("in")) {
      take();
      take();
      how = comparison::not_in;
      found = true;
    }
    if (!found && !skip_name("in"))
      return chain ? std::move(chain) : std::move(node);
    if (!chain)
      chain = make(kind::compare, std::move(node));
    chain->comparisons.push_back(how);
    add_part(*chain, parse_sum());
  }
}

expression_ptr template_parser::parse_sum() {
  auto node = parse_concat();
  while (current().is_op("+") || current().is_op("-")) {
    auto what = take().text == "+" ? kind::add : kind::subtract;
    node = make(what, std::move(node));
    add_part(*node, parse_concat());
  }
  return node;
}

expression_ptr template_parser::parse_concat() {
  auto first = parse_product();
  if (!current().is_op("~"))
    return first;
  auto node = make(kind::concat, std::move(first));
  while (skip_op("~"))
    add_part(*node, parse_product());
  return node;
}

expression_ptr template_parser::parse_product() {
  constexpr std::array<std::pair<std::string_view, kind>, 4> operators{{
      {"*", kind::multiply},
      {"/", kind::divide},
      {"//", kind::floor_divide},
      {"%", kind::modulo},
  }};
  auto node = parse_power();
  for (bool found = true; found;) {
    found = false;
    for (auto [spelling, meaning] : operators)
      if (!found && skip_op(spelling)) {
        node = make(meaning, std::move(node));
        add_part(*node, parse_power());
        found = true;
      }
  }
  return node;
}

expression_ptr template_parser::parse_power() {
  auto node = parse_unary(true);
  while (skip_op("**")) {
    node = make(kind::power, std::move(node));
    add_part(*node, parse_unary(true));
  }
  return node;
}

expression_ptr template_parser::parse_unary(bool with_filters) {
  level here{*this};
  expression_ptr node;
  if (skip_op("-"))
    node = make(kind::negative, parse_unary(false));
  else if (skip_op("+"))
    node = make(kind::positive, parse_unary(false));
  else
    node = parse_primary();
  node = parse_postfix(std::move(node));
  return with_filters ? parse_filters(std::move(node)) : std::move(node);
}

} // namespace model_server
