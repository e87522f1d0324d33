// Parses statements.
#include "models/text/template_parser.hpp"

#include "models/text/chat_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

using kind = template_token_kind;

} // namespace

/// Statements up to a block whose name is in `ends`, and past that name; or, if
/// there are none, up to the end of the template.
std::vector<template_statement> template_parser::parse_body(end_names ends) {
  level here{*this};
  std::vector<template_statement> result;
  for (;;) {
    template_statement next;
    next.line = current().line;
    switch (current().kind) {
    case kind::data:
      next.text = take().text;
      break;
    case kind::variable_begin:
      take();
      next.kind = statement_kind::output;
      next.expressions.push_back(parse_tuple(true, false));
      if (current().kind != kind::variable_end)
        fail_unexpected();
      take();
      break;
    case kind::block_begin: {
      take();
      auto& name = current();
      if (std::any_of(ends.begin(), ends.end(),
                      [&](auto end) { return name.is_name(end); }))
        return result;
      next = parse_statement();
      expect_block_end();
      break;
    }
    default:
      if (ends.size() > 0)
        fail(fmt::format("the template ends before \"{}\"", *(ends.end() - 1)));
      return result;
    }
    result.push_back(std::move(next));
  }
}

template_statement template_parser::parse_statement() {
  auto line = current().line;
  auto name = expect_name();
  auto simple = [&](statement_kind what) {
    if (loops_ == 0)
      fail(fmt::format("\"{}\" outside of a loop", name));
    template_statement result;
    result.kind = what;
    return result;
  };
  auto parse = [&] {
    if (name == "if")
      return parse_if();
    if (name == "for")
      return parse_for();
    if (name == "set")
      return parse_set();
    if (name == "macro")
      return parse_macro();
    if (name == "call")
      return parse_call_block();
    if (name == "filter")
      return parse_filter_block();
    if (name == "with")
      return parse_with();
    if (name == "break")
      return simple(statement_kind::break_loop);
    if (name == "continue")
      return simple(statement_kind::continue_loop);
    if (name == "generation") {
      template_statement result;
      result.kind = statement_kind::scope;
      expect_block_end();
      result.body = parse_body({"endgeneration"});
      take();
      return result;
    }
    fail(fmt::format("the tag \"{:.80}\" is not supported here", name));
  };
  auto result = parse();
  result.line = line;
  return result;
}

template_statement template_parser::parse_if() {
  template_statement result;
  result.kind = statement_kind::branch;
  for (;;) {
    template_branch branch;
    branch.condition = parse_tuple(false, false);
    expect_block_end();
    branch.body = parse_body({"elif", "else", "endif"});
    result.branches.push_back(std::move(branch));
    if (skip_name("elif"))
      continue;
    if (skip_name("else")) {
      expect_block_end();
      result.branches.push_back({nullptr, parse_body({"endif"})});
    }
    take();
    return result;
  }
}

template_statement template_parser::parse_for() {
  template_statement result;
  result.kind = statement_kind::loop;
  result.target = parse_target(false);
  if (!skip_name("in"))
    fail_unexpected();
  result.expressions.push_back(parse_tuple(false, false));
  result.expressions.push_back(skip_name("if") ? parse_expression() : nullptr);
  if (current().is_name("recursive"))
    fail("a recursive loop is not supported");
  expect_block_end();
  ++loops_;
  result.body = parse_body({"else", "endfor"});
  --loops_;
  if (skip_name("else")) {
    expect_block_end();
    result.else_body = parse_body({"endfor"});
  }
  take();
  return result;
}

template_statement template_parser::parse_set() {
  template_statement result;
  result.target = parse_target(true);
  if (skip_op("=")) {
    result.kind = statement_kind::assign;
    result.expressions.push_back(parse_tuple(true, false));
    return result;
  }
  result.kind = statement_kind::assign_block;
  expression_ptr filter;
  while (skip_op("|"))
    filter = parse_filter(std::move(filter));
  result.expressions.push_back(std::move(filter));
  expect_block_end();
  result.body = parse_body({"endset"});
  take();
  return result;
}

template_statement template_parser::parse_macro() {
  template_statement result;
  result.kind = statement_kind::macro;
  result.text = expect_name();
  result.target.slot = slot_of(result.text);
  expect_op("(");
  parse_parameters(result);
  expect_block_end();
  parse_macro_body(result, "endmacro");
  return result;
}

template_statement template_parser::parse_call_block() {
  template_statement result;
  result.kind = statement_kind::call_block;
  result.text = "caller";
  if (skip_op("("))
    parse_parameters(result);
  auto call = parse_postfix(parse_primary());
  if (call->kind != expression_kind::call)
    fail("a call block without a call");
  result.expressions.push_back(std::move(call));
  expect_block_end();
  parse_macro_body(result, "endcall");
  return result;
}

/// Up to the closing parenthesis.
void template_parser::parse_parameters(template_statement& macro) {
  auto& parameters = macro.parameters;
  while (!current().is_op(")")) {
    macro_parameter parameter;
    parameter.name = expect_name();
    parameter.slot = slot_of(parameter.name);
    if (skip_op("="))
      parameter.otherwise = parse_expression();
    else if (!parameters.empty() && parameters.back().otherwise)
      fail("a parameter without a default behind one that has one");
    parameters.push_back(std::move(parameter));
    if (!skip_op(","))
      break;
  }
  expect_op(")");
}

void template_parser::parse_macro_body(template_statement& macro,
                                       std::string_view end) {
  auto loops = std::exchange(loops_, 0);
  auto outer_names_caller = std::exchange(names_caller_, false);
  ++macros_;
  macro.body = parse_body({end});
  --macros_;
  loops_ = loops;
  auto declared =
      std::ranges::find(macro.parameters, "caller", &macro_parameter::name);
  if (names_caller_ && declared == macro.parameters.end())
    macro.caller_slot = slot_of("caller");
  else if (names_caller_ && !declared->otherwise)
    fail("a parameter named \"caller\" needs a default");
  names_caller_ = names_caller_ || outer_names_caller;
  take();
}

template_statement template_parser::parse_filter_block() {
  template_statement result;
  result.kind = statement_kind::filter_block;
  auto filter = parse_filter(nullptr);
  while (skip_op("|"))
    filter = parse_filter(std::move(filter));
  result.expressions.push_back(std::move(filter));
  expect_block_end();
  result.body = parse_body({"endfilter"});
  take();
  return result;
}

template_statement template_parser::parse_with() {
  template_statement result;
  result.kind = statement_kind::with;
  while (current().kind != kind::block_end) {
    result.target.parts.push_back(parse_target(false));
    expect_op("=");
    result.expressions.push_back(parse_expression());
    if (!skip_op(","))
      break;
  }
  expect_block_end();
  result.body = parse_body({"endwith"});
  take();
  return result;
}

assign_target template_parser::parse_target(bool with_namespace) {
  auto first = parse_single_target(with_namespace);
  if (!current().is_op(","))
    return first;
  assign_target result;
  result.parts.push_back(std::move(first));
  auto begins_target = [&] {
    return current().is_op("(")
           || (current().kind == kind::name && !current().is_name("in"));
  };
  while (skip_op(",") && begins_target())
    result.parts.push_back(parse_single_target(with_namespace));
  return result;
}

assign_target template_parser::parse_single_target(bool with_namespace) {
  level here{*this};
  if (skip_op("(")) {
    auto inner = parse_target(with_namespace);
    expect_op(")");
    return inner;
  }
  assign_target result;
  auto name = expect_name();
  for (auto* reserved : {"true", "True", "false", "False", "none", "None"})
    if (name == reserved)
      fail(fmt::format("\"{}\" can't be set", name));
  result.slot = slot_of(name);
  if (with_namespace && skip_op("."))
    result.attribute = expect_name();
  return result;
}

} // namespace model_server
