// Runs statements.
#include "models/text/template_operators.hpp"
#include "models/text/template_printing.hpp"
#include "models/text/template_renderer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace model_server {

template_renderer::flow
template_renderer::run_body(const std::vector<template_statement>& body) {
  level here{*this};
  for (auto& statement : body) {
    line_ = statement.line;
    spend(1);
    auto result = run_statement(statement);
    if (result != flow::normal)
      return result;
  }
  return flow::normal;
}

template_renderer::flow
template_renderer::run_statement(const template_statement& statement) {
  auto& expressions = statement.expressions;
  switch (statement.kind) {
  case statement_kind::text:
    write({statement.text, true});
    break;
  case statement_kind::output:
    for (auto& expression : expressions)
      write(to_text(*this, evaluate(*expression)));
    break;
  case statement_kind::branch:
    return run_branch(statement);
  case statement_kind::loop:
    return run_loop(statement);
  case statement_kind::assign:
    assign(statement.target, evaluate(*expressions[0]));
    break;
  case statement_kind::assign_block:
    assign(statement.target,
           through_filter(expressions[0].get(), capture(statement.body)));
    break;
  case statement_kind::macro:
    run_macro_definition(statement);
    break;
  case statement_kind::call_block:
    run_call_block(statement);
    break;
  case statement_kind::filter_block:
    write(to_text(
        *this, through_filter(expressions[0].get(), capture(statement.body))));
    break;
  case statement_kind::scope:
    write(capture(statement.body));
    break;
  case statement_kind::with:
    return run_with(statement);
  case statement_kind::break_loop:
    return flow::break_loop;
  case statement_kind::continue_loop:
    return flow::continue_loop;
  }
  return flow::normal;
}

template_renderer::flow
template_renderer::run_branch(const template_statement& statement) {
  for (auto& branch : statement.branches)
    if (!branch.condition || is_true(evaluate(*branch.condition)))
      return run_body(branch.body);
  return flow::normal;
}

template_renderer::flow
template_renderer::run_loop(const template_statement& statement) {
  auto items = iterate(evaluate(*statement.expressions[0]));
  auto* outer = scope_;
  scope inner{outer, {}};
  scope_ = &inner;
  if (auto* condition = statement.expressions[1].get()) {
    std::vector<template_value> chosen;
    for (auto& item : items) {
      inner.values.clear();
      assign(statement.target, item);
      if (is_true(evaluate(*condition)))
        chosen.push_back(std::move(item));
    }
    items = std::move(chosen);
  }
  auto* loop = own<loop_object>();
  loop->items = &items;
  loop->depth = ++loop_depth_;
  // As Jinja has it, `else` also comes where no round came to its end.
  auto needs_else = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    spend(1);
    inner.values.clear();
    loop->index = i;
    if (loop_slot_)
      set_variable(*loop_slot_, template_value::object(loop));
    assign(statement.target, items[i]);
    auto end = run_body(statement.body);
    if (end == flow::break_loop)
      break;
    needs_else = needs_else && end != flow::normal;
  }
  --loop_depth_;
  // Whoever kept `loop` beyond its end finds it empty.
  static const std::vector<template_value> nothing;
  loop->items = &nothing;
  inner.values.clear();
  auto result = needs_else ? run_body(statement.else_body) : flow::normal;
  scope_ = outer;
  return result;
}

void template_renderer::run_macro_definition(
    const template_statement& statement) {
  if (scope_ != &root_)
    throw template_error{fmt::format(
        "the macro \"{}\" within a loop or a macro is not supported",
        statement.text)};
  auto* macro = own<macro_object>();
  macro->definition = &statement;
  set_variable(statement.target.slot, template_value::object(macro));
}

// The macro that is called finds the block's body as `caller`.
void template_renderer::run_call_block(const template_statement& statement) {
  auto& call_node = *statement.expressions[0];
  auto callee = evaluate(*call_node.parts[0]);
  auto arguments = evaluate_arguments(call_node);
  auto* body = own<macro_object>();
  body->definition = &statement;
  body->home = scope_;
  arguments.named.emplace_back("caller", template_value::object(body));
  write(to_text(*this, call(callee, arguments)));
  // Whoever keeps it longer finds no variables of this place.
  body->home = nullptr;
}

template_renderer::flow
template_renderer::run_with(const template_statement& statement) {
  std::vector<template_value> values;
  for (auto& expression : statement.expressions)
    values.push_back(evaluate(*expression));
  scope inner{scope_, {}};
  scope_ = &inner;
  for (std::size_t i = 0; i < values.size(); ++i)
    assign(statement.target.parts[i], values[i]);
  auto result = run_body(statement.body);
  scope_ = inner.parent;
  return result;
}

marked_text
template_renderer::capture(const std::vector<template_statement>& body) {
  marked_text result;
  auto* out = std::exchange(out_, &result);
  scope inner{scope_, {}};
  scope_ = &inner;
  if (run_body(body) != flow::normal)
    throw template_error{"leaving a loop from within a block whose text is "
                         "kept is not supported"};
  scope_ = inner.parent;
  out_ = out;
  return result;
}

template_value
template_renderer::through_filter(const template_expression* filter,
                                  marked_text text) {
  auto value = make_text(std::move(text));
  return filter ? evaluate_filter(*filter, &value) : value;
}

void template_renderer::write(const marked_text& text) {
  if (text.size() > limits_.max_output_bytes - out_->size())
    throw template_error{
        fmt::format("the text grows over {} bytes", limits_.max_output_bytes)};
  charge(text.size());
  out_->append(text);
}

template_value template_renderer::call_macro(const macro_object& macro,
                                             const call_arguments& arguments) {
  auto& definition = *macro.definition;
  auto& parameters = definition.parameters;
  if (arguments.positional.size() > parameters.size())
    throw template_error{fmt::format(
        "the macro \"{}\" takes at most {} arguments, not {}", definition.text,
        parameters.size(), arguments.positional.size())};
  scope inner{macro.home ? macro.home : &root_, {}};
  if (definition.caller_slot)
    inner.values.emplace_back(
        *definition.caller_slot,
        template_value::undefined("no caller is defined"));
  for (auto& [name, value] : arguments.named) {
    auto found =
        std::find_if(parameters.begin(), parameters.end(),
                     [&name = name](auto& each) { return each.name == name; });
    if (found == parameters.end()
        || found - parameters.begin()
               < static_cast<std::ptrdiff_t>(arguments.positional.size())) {
      if (found == parameters.end() && name == "caller"
          && definition.caller_slot) {
        inner.values[0].second = value;
        continue;
      }
      throw template_error{
          fmt::format("the macro \"{}\" can't take the argument \"{}\"",
                      definition.text, name)};
    }
    inner.values.emplace_back(found->slot, value);
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    inner.values.emplace_back(parameters[i].slot, arguments.positional[i]);
  auto* caller = std::exchange(scope_, &inner);
  auto line = line_;
  marked_text result;
  auto* out = std::exchange(out_, &result);
  for (auto i = arguments.positional.size(); i < parameters.size(); ++i) {
    auto& parameter = parameters[i];
    auto is_given =
        std::any_of(inner.values.begin(), inner.values.end(),
                    [&](auto& each) { return each.first == parameter.slot; });
    if (!is_given)
      set_variable(parameter.slot,
                   parameter.otherwise
                       ? evaluate(*parameter.otherwise)
                       : template_value::undefined(fmt::format(
                           "parameter '{}' was not provided", parameter.name)));
  }
  run_body(definition.body);
  scope_ = caller;
  out_ = out;
  line_ = line;
  return make_text(std::move(result));
}

} // namespace model_server
