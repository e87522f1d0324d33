// Changes text character by character.
#pragma once

#include "models/text/marked_text.hpp"
#include "models/text/utf8.hpp"

#include <string>
#include <string_view>

namespace model_server {

/// Calls `write(out, position, code)` for every character; what it appends
/// has the mark of that character.
template <class Write>
marked_text map_characters(const marked_text& text, const Write& write) {
  marked_text result;
  auto all = std::string_view{text.bytes()};
  std::string out;
  for (std::size_t at = 0; at < all.size();) {
    auto front = read_utf8(all.substr(at));
    out.clear();
    write(out, at, front.code);
    result.append(out, text.is_trusted_at(at));
    at += front.size;
  }
  return result;
}

} // namespace model_server
