// Parses the tokens of a template into a tree.
#pragma once

#include "models/text/template_lexer.hpp"
#include "models/text/template_tree.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace model_server {

/// A recursive-descent parser. Depth is limited, so hostile nesting ends in a
/// `template_error`.
class template_parser {
public:
  explicit template_parser(std::string_view source);

  template_tree parse();

private:
  using end_names = std::initializer_list<std::string_view>;

  // The token stream, in template_parser.cpp.
  const template_token& current() const {
    return tokens_[at_];
  }
  const template_token& ahead() const;
  template_token take();
  bool skip_op(std::string_view spelling);
  bool skip_name(std::string_view spelling);
  void expect_op(std::string_view spelling);
  std::string expect_name();
  void expect_block_end();
  [[noreturn]] void fail(const std::string& why) const;
  [[noreturn]] void fail_unexpected() const;

  // Statements, in template_statements.cpp.
  std::vector<template_statement> parse_body(end_names ends);
  template_statement parse_statement();
  template_statement parse_if();
  template_statement parse_for();
  template_statement parse_set();
  template_statement parse_macro();
  template_statement parse_call_block();
  void parse_parameters(template_statement& macro);
  void parse_macro_body(template_statement& macro, std::string_view end);
  template_statement parse_filter_block();
  template_statement parse_with();
  assign_target parse_target(bool with_namespace);
  assign_target parse_single_target(bool with_namespace);
  std::size_t slot_of(const std::string& name);

  // Expressions from the loosest binding on, in template_expressions.cpp and
  // template_operands.cpp.
  expression_ptr parse_tuple(bool with_conditional, bool explicit_parentheses);
  expression_ptr parse_expression(bool with_conditional = true);
  expression_ptr parse_or();
  expression_ptr parse_and();
  expression_ptr parse_not();
  expression_ptr parse_compare();
  expression_ptr parse_sum();
  expression_ptr parse_concat();
  expression_ptr parse_product();
  expression_ptr parse_power();
  expression_ptr parse_unary(bool with_filters);
  expression_ptr parse_primary();
  expression_ptr parse_name();
  expression_ptr parse_list();
  expression_ptr parse_dict();
  expression_ptr parse_postfix(expression_ptr node);
  expression_ptr parse_subscript(expression_ptr object);
  expression_ptr parse_filters(expression_ptr node);
  expression_ptr parse_filter(expression_ptr input);
  expression_ptr parse_test(expression_ptr input);
  void parse_arguments(template_expression& call);

  expression_ptr make(expression_kind kind) const;
  expression_ptr make(expression_kind kind, expression_ptr part);
  void add_part(template_expression& node, expression_ptr part) const;

  /// Counts how deep the parser is in itself.
  struct level;

  std::vector<template_token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  /// How many loops and macros are open here.
  std::size_t loops_ = 0;
  std::size_t macros_ = 0;
  /// Whether the innermost macro or call block speaks of `caller`.
  bool names_caller_ = false;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> slots_;
};

/// While one lives the parser is a level deeper.
struct template_parser::level {
  explicit level(template_parser& parser);
  ~level() {
    --parser_.depth_;
  }
  level(const level&) = delete;
  level& operator=(const level&) = delete;

private:
  template_parser& parser_;
};

} // namespace model_server
