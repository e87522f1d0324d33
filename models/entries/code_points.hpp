// Text as Unicode code points: the tokens of models that have no vocabulary.
// Inline, so that a plug-in carries its own copy.
#pragma once

#include "models/entry.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Ends a reply made of code points; the first number that is none.
inline constexpr token_id code_point_end = 0x110000;

/// Appends the code points of `text`; each invalid byte becomes U+FFFD.
inline void append_code_points(std::vector<token_id>& tokens,
                               std::string_view text) {
  constexpr token_id least[] = {0, 0, 0x80, 0x800, 0x10000};
  tokens.reserve(tokens.size() + text.size());
  for (std::size_t at = 0; at < text.size();) {
    auto lead = static_cast<unsigned char>(text[at]);
    std::size_t bytes = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
    auto is_valid = bytes != 0 && at + bytes <= text.size();
    token_id code = bytes < 2 ? lead : lead & (0x7F >> bytes);
    for (std::size_t i = 1; is_valid && i < bytes; ++i) {
      auto next = static_cast<unsigned char>(text[at + i]);
      is_valid = (next & 0xC0) == 0x80;
      code = code << 6 | (next & 0x3F);
    }
    is_valid = is_valid && code >= least[bytes] && code < code_point_end
               && (code < 0xD800 || code > 0xDFFF);
    tokens.push_back(is_valid ? code : 0xFFFD);
    at += is_valid ? bytes : 1;
  }
}

/// The UTF-8 of one code point; empty for what is none.
inline std::string code_point_text(token_id code) {
  std::string result;
  auto tail = [&](int shift) {
    result += static_cast<char>(0x80 | (code >> shift & 0x3F));
  };
  if (code < 0 || code >= code_point_end || (code >= 0xD800 && code <= 0xDFFF))
    return result;
  if (code < 0x80) {
    result += static_cast<char>(code);
  } else if (code < 0x800) {
    result += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    result += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    result += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
  return result;
}

} // namespace model_server
