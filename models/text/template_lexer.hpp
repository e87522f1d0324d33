// Cuts a template's source into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

enum class template_token_kind {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  op,
  end,
};

/// One token of a template.
struct template_token {
  template_token_kind kind = template_token_kind::end;
  /// Text, name, string without quotes and escapes, or operator.
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  std::size_t line = 0;

  bool is_op(std::string_view spelling) const {
    return kind == template_token_kind::op && text == spelling;
  }
  bool is_name(std::string_view spelling) const {
    return kind == template_token_kind::name && text == spelling;
  }
};

/// All tokens of `source`, the last one `end`. White space around tags is
/// handled as transformers does: blocks take the newline behind them and the
/// blanks before them. Throws `template_error` with a line.
std::vector<template_token> lex_template(std::string_view source);

} // namespace model_server
