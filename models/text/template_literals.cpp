// Reads numbers and the escapes of strings.
#include "models/text/template_literals.hpp"

#include "models/text/chat_template.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace model_server {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_char(char c) {
  auto letter = static_cast<char>(c | 0x20);
  return is_digit(c) || c == '_' || (letter >= 'a' && letter <= 'z');
}

bool is_digit_at(std::string_view text, std::size_t at) {
  return at < text.size() && is_digit(text[at]);
}

/// Where digits, with `_` between them, end.
std::size_t end_of_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && (is_digit(text[at]) || text[at] == '_'))
    ++at;
  return at;
}

/// The character of an escape with digits, `text` beginning with the first;
/// sets how many of them it has.
char32_t read_code(std::string_view text, std::size_t max_digits, int base,
                   std::size_t& size) {
  unsigned code = 0;
  auto* end = text.data() + std::min(text.size(), max_digits);
  size = static_cast<std::size_t>(
      std::from_chars(text.data(), end, code, base).ptr - text.data());
  if (base == 16 && size != max_digits)
    throw template_error{"a string with a broken escape"};
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
    throw template_error{"a string with an escape that is no character"};
  return code;
}

} // namespace

std::pair<std::size_t, template_token> read_number(std::string_view text,
                                                   bool may_be_real) {
  auto size = end_of_digits(text, 0);
  template_token token;
  token.kind = template_token_kind::integer;
  auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  if (may_be_real && at(size) == '.' && is_digit_at(text, size + 1)) {
    size = end_of_digits(text, size + 1);
    token.kind = template_token_kind::real;
  }
  if (may_be_real && (at(size) == 'e' || at(size) == 'E')) {
    auto exponent = size + 1 + (at(size + 1) == '+' || at(size + 1) == '-');
    if (is_digit_at(text, exponent)) {
      size = end_of_digits(text, exponent);
      token.kind = template_token_kind::real;
    }
  }
  std::string spelled{text.substr(0, size)};
  if (is_name_char(at(size)))
    throw template_error{
        fmt::format("the number \"{}{}\" is not supported", spelled, at(size))};
  std::erase(spelled, '_');
  auto* first = spelled.data();
  auto* last = first + spelled.size();
  auto is_real = token.kind == template_token_kind::real;
  auto status = is_real ? std::from_chars(first, last, token.real).ec
                        : std::from_chars(first, last, token.integer).ec;
  if (status != std::errc{})
    throw template_error{fmt::format("the number {} is out of range", spelled)};
  if (!is_real && spelled[0] == '0'
      && spelled.find_first_not_of('0') != std::string::npos)
    throw template_error{fmt::format("the number {} begins with 0", spelled)};
  token.text = std::move(spelled);
  return {size, std::move(token)};
}

std::string unescape_string(std::string_view text) {
  constexpr std::string_view names = "abfnrtv\\'\"";
  constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
      continue;
    }
    auto c = text[++i];
    auto coded = [&](std::size_t skip, std::size_t digits, int base) {
      std::size_t size = 0;
      append_utf8(result, read_code(text.substr(i + skip), digits, base, size));
      i += skip + size - 1;
    };
    if (auto named = names.find(c); named != std::string_view::npos)
      result += meanings[named];
    else if (c == 'x')
      coded(1, 2, 16);
    else if (c == 'u')
      coded(1, 4, 16);
    else if (c == 'U')
      coded(1, 8, 16);
    else if (c >= '0' && c <= '7')
      coded(0, 3, 8);
    else if (c == 'N')
      throw template_error{"a string with an escape \\N is not supported"};
    else if (c != '\n')
      (result += '\\') += c;
  }
  return result;
}

} // namespace model_server
