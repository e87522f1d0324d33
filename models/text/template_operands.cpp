// Parses what operators stand between: names, literals, calls, filters, tests.
#include "models/text/template_parser.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace model_server {

namespace {

using kind = expression_kind;

} // namespace

expression_ptr template_parser::parse_primary() {
  auto& token = current();
  auto constant = [&](template_value value) {
    auto node = make(kind::constant);
    node->constant = std::move(value);
    take();
    return node;
  };
  switch (token.kind) {
  case template_token_kind::name:
    return parse_name();
  case template_token_kind::string: {
    auto node = make(kind::constant);
    std::string text;
    while (current().kind == template_token_kind::string)
      text += take().text;
    node->constant = template_value::text(std::move(text), true);
    return node;
  }
  case template_token_kind::integer:
    return constant(template_value::integer(token.integer));
  case template_token_kind::real:
    return constant(template_value::real(token.real));
  default:
    break;
  }
  if (skip_op("(")) {
    auto node = parse_tuple(true, true);
    expect_op(")");
    return node;
  }
  if (skip_op("["))
    return parse_list();
  if (skip_op("{"))
    return parse_dict();
  fail_unexpected();
}

expression_ptr template_parser::parse_name() {
  auto node = make(kind::constant);
  auto name = take().text;
  if (macros_ > 0 && (name == "varargs" || name == "kwargs"))
    fail("\"" + name + "\" in a macro is not supported");
  if (name == "caller")
    names_caller_ = true;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    node->constant = template_value::boolean(name == "true" || name == "True");
  } else if (name == "none" || name == "None") {
    node->constant = template_value::none();
  } else {
    node->kind = kind::name;
    node->slot = slot_of(name);
    node->text = std::move(name);
  }
  return node;
}

expression_ptr template_parser::parse_list() {
  auto node = make(kind::list);
  while (!current().is_op("]")) {
    add_part(*node, parse_expression());
    if (!skip_op(","))
      break;
  }
  expect_op("]");
  return node;
}

expression_ptr template_parser::parse_dict() {
  auto node = make(kind::dict);
  while (!current().is_op("}")) {
    add_part(*node, parse_expression());
    expect_op(":");
    add_part(*node, parse_expression());
    if (!skip_op(","))
      break;
  }
  expect_op("}");
  return node;
}

expression_ptr template_parser::parse_postfix(expression_ptr node) {
  for (;;) {
    if (skip_op(".")) {
      if (current().kind == template_token_kind::integer) {
        node = make(kind::item, std::move(node));
        add_part(*node, parse_primary());
      } else {
        node = make(kind::attribute, std::move(node));
        node->text = expect_name();
      }
    } else if (skip_op("[")) {
      node = parse_subscript(std::move(node));
    } else if (skip_op("(")) {
      node = make(kind::call, std::move(node));
      parse_arguments(*node);
    } else {
      return node;
    }
  }
}

/// What stands in brackets behind an object.
expression_ptr template_parser::parse_subscript(expression_ptr object) {
  auto at_colon = [&] { return current().is_op(":"); };
  auto at_close = [&] { return current().is_op("]"); };
  expression_ptr first;
  if (!at_colon())
    first = parse_expression();
  if (!at_colon()) {
    auto node = make(kind::item, std::move(object));
    if (current().is_op(",")) {
      auto key = make(kind::tuple, std::move(first));
      while (skip_op(",") && !at_close())
        add_part(*key, parse_expression());
      first = std::move(key);
    }
    add_part(*node, std::move(first));
    expect_op("]");
    return node;
  }
  auto node = make(kind::slice, std::move(object));
  add_part(*node, std::move(first));
  for (int i = 0; i < 2; ++i) {
    auto given = skip_op(":") && !at_colon() && !at_close();
    add_part(*node, given ? parse_expression() : nullptr);
  }
  expect_op("]");
  return node;
}

expression_ptr template_parser::parse_filters(expression_ptr node) {
  for (;;) {
    if (skip_op("|")) {
      node = parse_filter(std::move(node));
    } else if (skip_name("is")) {
      node = parse_test(std::move(node));
    } else if (skip_op("(")) {
      node = make(kind::call, std::move(node));
      parse_arguments(*node);
    } else {
      return node;
    }
  }
}

/// The filter whose name comes next.
expression_ptr template_parser::parse_filter(expression_ptr input) {
  auto node = make(kind::filter, std::move(input));
  node->text = expect_name();
  while (skip_op("."))
    node->text += "." + expect_name();
  if (skip_op("("))
    parse_arguments(*node);
  return node;
}

expression_ptr template_parser::parse_test(expression_ptr input) {
  auto negated = skip_name("not");
  auto node = make(kind::test, std::move(input));
  node->text = expect_name();
  auto begins_operand = [&] {
    auto& token = current();
    switch (token.kind) {
    case template_token_kind::name:
      return !token.is_name("else") && !token.is_name("or")
             && !token.is_name("and");
    case template_token_kind::string:
    case template_token_kind::integer:
    case template_token_kind::real:
      return true;
    default:
      return token.is_op("[") || token.is_op("{");
    }
  };
  if (skip_op("(")) {
    parse_arguments(*node);
  } else if (begins_operand()) {
    if (current().is_name("is"))
      fail("tests can't be chained");
    add_part(*node, parse_postfix(parse_primary()));
  }
  return negated ? make(kind::logical_not, std::move(node)) : std::move(node);
}

/// Arguments up to the closing parenthesis.
void template_parser::parse_arguments(template_expression& call) {
  while (!current().is_op(")")) {
    auto expand = [&](expression_ptr& place) {
      if (place || call.more_named)
        fail("arguments behind expanded ones");
      place = parse_expression();
      call.height = std::max(call.height, place->height + 1);
    };
    if (skip_op("*")) {
      expand(call.more_positional);
    } else if (skip_op("**")) {
      expand(call.more_named);
    } else if (current().kind == template_token_kind::name
               && ahead().is_op("=")) {
      auto name = take().text;
      take();
      auto value = parse_expression();
      call.height = std::max(call.height, value->height + 1);
      call.named.emplace_back(std::move(name), std::move(value));
    } else {
      if (!call.named.empty() || call.more_positional)
        fail("a positional argument behind a named one");
      add_part(call, parse_expression());
    }
    if (!skip_op(","))
      break;
  }
  expect_op(")");
}

} // namespace model_server
