// Small questions about the characters of HTTP.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace model_server {

/// True for the bytes that stand for no character: below space, and DEL.
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// True if the two differ at most in case, as names of header fields may.
constexpr bool is_same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

/// True for a method or a field name: at least one of the characters that RFC
/// 9110 allows in a token.
constexpr bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    auto lower = to_lower(c);
    return is_digit(c) || (lower >= 'a' && lower <= 'z')
           || marks.find(c) != std::string_view::npos;
  });
}

/// True for what may stand in a Host field: a name or an address and a port,
/// nothing that belongs to other parts of a URL.
constexpr bool is_host(std::string_view text) {
  constexpr std::string_view marks = "-._~%!$&'()*+;=:[]";
  return std::ranges::all_of(text, [&](char c) {
    auto lower = to_lower(c);
    return is_digit(c) || (lower >= 'a' && lower <= 'z')
           || marks.find(c) != std::string_view::npos;
  });
}

/// Without the spaces and tabs at both ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// The parts between separators, empty ones included.
inline std::vector<std::string_view> split(std::string_view text,
                                           char separator) {
  std::vector<std::string_view> result;
  for (;;) {
    auto end = text.find(separator);
    result.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      return result;
    text.remove_prefix(end + 1);
  }
}

} // namespace model_server
