// The lexer: text outside tags, tokens inside them.
#include "models/text/template_lexer.hpp"

#include "models/text/chat_template.hpp"
#include "models/text/python_text.hpp"
#include "models/text/template_literals.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace model_server {

namespace {

using kind = template_token_kind;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

/// One newline for every kind of line end, and none at the very end.
std::string normalize_source(std::string_view source) {
  std::string result;
  result.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      result += source[i];
      continue;
    }
    result += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n')
      ++i;
  }
  if (result.ends_with('\n'))
    result.pop_back();
  return result;
}

class lexer {
public:
  explicit lexer(std::string_view source) : in_(normalize_source(source)) {
    // nop
  }

  std::vector<template_token> run() {
    try {
      while (at_ < in_.size())
        root();
    } catch (const template_error& e) {
      throw template_error{fmt::format("line {}: {}", line_, e.what())};
    }
    put(kind::end);
    return std::move(out_);
  }

private:
  [[noreturn]] static void fail(const std::string& why) {
    throw template_error{why};
  }

  std::string_view rest() const {
    return std::string_view{in_}.substr(at_);
  }

  bool follows(std::string_view text) const {
    return rest().starts_with(text);
  }

  /// Goes on, counting lines.
  void advance(std::size_t bytes) {
    line_ += static_cast<std::size_t>(std::count(
        in_.begin() + static_cast<std::ptrdiff_t>(at_),
        in_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes), '\n'));
    at_ += bytes;
  }

  void skip_space() {
    while (at_ < in_.size()) {
      auto front = read_utf8(rest());
      if (!is_python_space(front.code))
        return;
      advance(front.size);
    }
  }

  template_token& put(kind what, std::string text = {}) {
    out_.push_back({what, std::move(text), 0, 0, line_});
    return out_.back();
  }

  /// Text up to the next tag, and what kind of tag that is.
  void root() {
    auto begin = at_;
    auto open = begin;
    for (;; ++open) {
      open = in_.find('{', open);
      if (open == std::string::npos || open + 1 >= in_.size()) {
        put_data(begin, in_.size());
        advance(in_.size() - begin);
        return;
      }
      auto c = in_[open + 1];
      if (c == '%' || c == '{' || c == '#')
        break;
    }
    auto c = in_[open + 1];
    auto sign = open + 2 < in_.size() ? in_[open + 2] : '\0';
    auto has_sign = sign == '-' || sign == '+';
    put_data(begin, strip_before(begin, open, has_sign ? sign : '\0', c));
    advance(open + (has_sign ? 3u : 2u) - begin);
    if (c == '#')
      comment();
    else if (c == '{')
      tag(kind::variable_begin, kind::variable_end, "}}");
    else if (is_raw())
      raw();
    else
      tag(kind::block_begin, kind::block_end, "%}");
  }

  void put_data(std::size_t begin, std::size_t end) {
    if (begin < end)
      put(kind::data, in_.substr(begin, end - begin));
  }

  /// Where the text before a tag ends once white space is taken off.
  std::size_t strip_before(std::size_t begin, std::size_t end, char sign,
                           char what) const {
    auto text = std::string_view{in_}.substr(begin, end - begin);
    auto stripped = begin + rstrip_size(text);
    if (sign == '-')
      return stripped;
    if (sign == '+' || what == '{')
      return end;
    auto newline = text.rfind('\n');
    auto line = newline == std::string_view::npos ? begin : begin + newline + 1;
    if ((line > begin || line_starting_) && stripped <= line)
      return line;
    return end;
  }

  /// The end of a comment, a block or a raw block; and what it takes along.
  void end_tag(std::string_view closing) {
    auto sign = in_[at_];
    auto begin = at_;
    if (sign == '-' || sign == '+')
      advance(1);
    advance(closing.size());
    if (sign == '-')
      skip_space();
    else if (sign != '+' && closing != "}}" && follows("\n"))
      advance(1);
    line_starting_ = at_ > begin && in_[at_ - 1] == '\n';
  }

  void comment() {
    auto close = in_.find("#}", at_);
    if (close == std::string::npos)
      fail("a comment without an end");
    // A sign that closes the comment isn't part of it.
    if (close > at_ && (in_[close - 1] == '-' || in_[close - 1] == '+'))
      --close;
    advance(close - at_);
    end_tag("#}");
  }

  /// True if the block that begins here is `raw`; goes past its begin then.
  bool is_raw() {
    auto here = at_;
    auto line = line_;
    skip_space();
    if (follows("raw")) {
      advance(3);
      skip_space();
      if (follows("-%}")) {
        advance(3);
        skip_space();
        return true;
      }
      if (follows("%}")) {
        advance(2);
        return true;
      }
    }
    at_ = here;
    line_ = line;
    return false;
  }

  /// Text up to `endraw`.
  void raw() {
    auto begin = at_;
    line_starting_ = at_ > 0 && in_[at_ - 1] == '\n';
    for (auto open = in_.find("{%", begin); open != std::string::npos;
         open = in_.find("{%", open + 1)) {
      auto at = open + 2;
      auto sign = at < in_.size() ? in_[at] : '\0';
      if (sign == '-' || sign == '+')
        ++at;
      at += space_size(std::string_view{in_}.substr(at));
      if (!std::string_view{in_}.substr(at).starts_with("endraw"))
        continue;
      at += 6;
      at += space_size(std::string_view{in_}.substr(at));
      auto after = std::string_view{in_}.substr(at);
      if (!after.starts_with("%}") && !after.starts_with("-%}")
          && !after.starts_with("+%}"))
        continue;
      put_data(begin, strip_before(begin, open, sign, '%'));
      advance(at - begin);
      end_tag("%}");
      return;
    }
    fail("raw without endraw");
  }

  /// The tokens of a tag.
  void tag(kind begin, kind end, std::string_view closing) {
    put(begin);
    std::string open;
    for (;;) {
      skip_space();
      if (at_ >= in_.size())
        fail(fmt::format("a tag without \"{}\"", closing));
      if (open.empty()) {
        auto signed_end =
            rest().substr(1).starts_with(closing)
            && (in_[at_] == '-' || (in_[at_] == '+' && closing == "%}"));
        if (signed_end || follows(closing)) {
          put(end);
          end_tag(closing);
          return;
        }
      }
      token(open);
    }
  }

  /// One token; `open` holds what closes the brackets that are open.
  void token(std::string& open) {
    auto c = in_[at_];
    if (is_digit(c)) {
      number();
    } else if (is_name_char(c)) {
      std::size_t size = 1;
      while (size < rest().size() && is_name_char(rest()[size]))
        ++size;
      put(kind::name, std::string{rest().substr(0, size)});
      advance(size);
    } else if (c == '\'' || c == '"') {
      string(c);
    } else {
      op(open);
    }
  }

  void number() {
    // `x.0.1` holds no real number.
    auto after_dot = !out_.empty() && out_.back().is_op(".");
    auto [size, token] = read_number(rest(), !after_dot);
    token.line = line_;
    out_.push_back(std::move(token));
    advance(size);
  }

  void string(char quote) {
    auto begin = at_ + 1;
    auto end = begin;
    while (end < in_.size() && in_[end] != quote)
      end += in_[end] == '\\' ? 2 : 1;
    if (end >= in_.size())
      fail("a string without an end");
    put(kind::string,
        unescape_string(std::string_view{in_}.substr(begin, end - begin)));
    advance(end + 1 - at_);
  }

  void op(std::string& open) {
    constexpr std::array<std::string_view, 26> operators{
        "==", "!=", ">=", "<=", "//", "**", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    auto found = std::find_if(operators.begin(), operators.end(),
                              [&](auto each) { return follows(each); });
    if (found == operators.end())
      fail(fmt::format("unexpected \"{}\"",
                       rest().substr(0, read_utf8(rest()).size)));
    constexpr std::string_view begins = "([{", ends = ")]}";
    auto c = (*found)[0];
    if (auto which = begins.find(c); which != std::string_view::npos) {
      open += ends[which];
    } else if (ends.find(c) != std::string_view::npos) {
      if (open.empty() || open.back() != c)
        fail(fmt::format("unexpected \"{}\"", c));
      open.pop_back();
    }
    put(kind::op, std::string{*found});
    advance(found->size());
  }

  std::string in_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  /// What came before ends a line, so blanks before a block belong to it.
  bool line_starting_ = true;
  std::vector<template_token> out_;
};

} // namespace

std::vector<template_token> lex_template(std::string_view source) {
  return lexer{source}.run();
}

} // namespace model_server
