// Evaluates expressions.
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"
#include "models/text/template_renderer.hpp"

#include "models/text/python_text.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

using kind = expression_kind;

} // namespace

template_value template_renderer::evaluate(const template_expression& node) {
  level here{*this};
  spend(1);
  switch (node.kind) {
  case kind::constant:
    return node.constant;
  case kind::name:
    return variable(node.slot);
  case kind::list:
    return make_list(evaluate_parts(node, 0));
  case kind::tuple:
    return make_list(evaluate_parts(node, 0), sequence_kind::tuple);
  case kind::dict:
    return evaluate_dict(node);
  case kind::attribute:
    return attribute(evaluate(*node.parts[0]), node.text);
  case kind::item:
    return item(evaluate(*node.parts[0]), evaluate(*node.parts[1]));
  case kind::slice:
    return evaluate_slice(node);
  case kind::call:
    return evaluate_call(node);
  case kind::filter:
    return evaluate_filter(node, nullptr);
  case kind::test:
    return template_value::boolean(evaluate_test(node));
  case kind::compare:
    return evaluate_compare(node);
  default:
    return evaluate_operator(node);
  }
}

template_value
template_renderer::evaluate_operator(const template_expression& node) {
  auto& parts = node.parts;
  switch (node.kind) {
  case kind::negative:
    return negate(evaluate(*parts[0]));
  case kind::positive:
    return negate(negate(evaluate(*parts[0])));
  case kind::logical_not:
    return template_value::boolean(!is_true(evaluate(*parts[0])));
  case kind::logical_and: {
    auto left = evaluate(*parts[0]);
    return is_true(left) ? evaluate(*parts[1]) : left;
  }
  case kind::logical_or: {
    auto left = evaluate(*parts[0]);
    return is_true(left) ? left : evaluate(*parts[1]);
  }
  case kind::conditional:
    if (is_true(evaluate(*parts[0])))
      return evaluate(*parts[1]);
    return parts[2] ? evaluate(*parts[2])
                    : template_value::undefined(
                        "the inline if has no else, and its condition is "
                        "false");
  case kind::concat: {
    marked_text result;
    for (auto& part : parts) {
      result.append(to_text(*this, evaluate(*part)));
      spend(result.size() / 256);
    }
    return make_text(std::move(result));
  }
  default: {
    auto left = evaluate(*parts[0]);
    return compute(*this, node.kind, left, evaluate(*parts[1]));
  }
  }
}

std::vector<template_value>
template_renderer::evaluate_parts(const template_expression& node,
                                  std::size_t first) {
  std::vector<template_value> result;
  result.reserve(node.parts.size() - first);
  for (auto i = first; i < node.parts.size(); ++i)
    result.push_back(evaluate(*node.parts[i]));
  return result;
}

template_value
template_renderer::evaluate_dict(const template_expression& node) {
  template_dict result;
  for (std::size_t i = 0; i < node.parts.size(); i += 2) {
    auto key = evaluate(*node.parts[i]);
    charge(512);
    if (!result.set(key, evaluate(*node.parts[i + 1])))
      fail_type(key, "a dict's key");
  }
  return template_value::dict(std::move(result));
}

template_value
template_renderer::evaluate_slice(const template_expression& node) {
  auto object = evaluate(*node.parts[0]);
  auto bound = [&](std::size_t i) -> std::optional<std::int64_t> {
    if (!node.parts[i])
      return std::nullopt;
    auto value = evaluate(*node.parts[i]);
    if (value.is_none())
      return std::nullopt;
    auto result = to_integer(value);
    if (!result)
      fail_type(value, "a bound of a slice");
    return result;
  };
  auto start = bound(1), stop = bound(2);
  auto step = bound(3).value_or(1);
  if (step == 0)
    throw template_error{"the step of a slice is 0"};
  if (auto* text = object.as_text()) {
    spend(text->size() / 64);
    auto range = resolve_slice(length(object), start, stop, step);
    return make_text(slice_text(*text, range), object.is_markup());
  }
  auto* list = object.as_list();
  if (!list || list->kind == sequence_kind::dict_keys
      || list->kind == sequence_kind::dict_values
      || list->kind == sequence_kind::dict_items)
    fail_type(object, "something to slice");
  auto range = resolve_slice(list->items.size(), start, stop, step);
  std::vector<template_value> items;
  items.reserve(range.count);
  for (std::size_t i = 0; i < range.count; ++i)
    items.push_back(list->items[static_cast<std::size_t>(
        range.start + static_cast<std::int64_t>(i) * range.step)]);
  return make_list(std::move(items), list->kind);
}

template_value
template_renderer::evaluate_compare(const template_expression& node) {
  auto left = evaluate(*node.parts[0]);
  for (std::size_t i = 0; i < node.comparisons.size(); ++i) {
    auto right = evaluate(*node.parts[i + 1]);
    auto holds = [&] {
      switch (node.comparisons[i]) {
      case comparison::eq:
        return equals(*this, left, right);
      case comparison::ne:
        return !equals(*this, left, right);
      case comparison::lt:
        return order(*this, left, right) < 0;
      case comparison::le:
        return order(*this, left, right) <= 0;
      case comparison::gt:
        return order(*this, left, right) > 0;
      case comparison::ge:
        return order(*this, left, right) >= 0;
      case comparison::in:
        return contains(*this, right, left);
      default:
        return !contains(*this, right, left);
      }
    };
    if (!holds())
      return template_value::boolean(false);
    left = std::move(right);
  }
  return template_value::boolean(true);
}

template_value
template_renderer::evaluate_call(const template_expression& node) {
  auto& callee = *node.parts[0];
  if (callee.kind == kind::attribute) {
    auto object = evaluate(*callee.parts[0]);
    if (has_method(object, callee.text))
      return call_method(object, callee.text, evaluate_arguments(node));
    auto function = attribute(object, callee.text);
    return call(function, evaluate_arguments(node));
  }
  auto function = evaluate(callee);
  return call(function, evaluate_arguments(node));
}

call_arguments
template_renderer::evaluate_arguments(const template_expression& node) {
  call_arguments result;
  result.positional = evaluate_parts(node, 1);
  for (auto& [name, value] : node.named)
    result.named.emplace_back(name, evaluate(*value));
  if (node.more_positional)
    for (auto& value : iterate(evaluate(*node.more_positional)))
      result.positional.push_back(std::move(value));
  if (node.more_named) {
    auto more = evaluate(*node.more_named);
    if (!more.as_dict())
      fail_type(more, "a dict of arguments");
    for (auto& [key, value] : more.as_dict()->entries()) {
      if (!key.as_text())
        fail_type(key, "an argument's name");
      result.named.emplace_back(key.as_text()->bytes(), value);
    }
  }
  return result;
}

/// `input` stands for the innermost input that the tree leaves open.
template_value
template_renderer::evaluate_filter(const template_expression& node,
                                   const template_value* input) {
  auto& inner = node.parts[0];
  template_value value;
  if (!inner)
    value = *input;
  else if (input && inner->kind == kind::filter)
    value = evaluate_filter(*inner, input);
  else
    value = evaluate(*inner);
  return apply_filter(node.text, value, evaluate_arguments(node));
}

bool template_renderer::evaluate_test(const template_expression& node) {
  auto value = evaluate(*node.parts[0]);
  return apply_test(node.text, value, evaluate_arguments(node));
}

} // namespace model_server
