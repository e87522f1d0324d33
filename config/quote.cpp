// Escapes foreign text, one UTF-8 character at a time.
#include "config/quote.hpp"

#include <fmt/format.h>

#include <iterator>

namespace model_server {

namespace {

struct character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool is_valid = false;
};

// The character that `text` begins with; an invalid byte counts alone.
character first_character(std::string_view text) {
  auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  auto lead = byte(0);
  if (lead < 0x80)
    return {lead, 1, true};
  std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes)
    return {};
  char32_t code = lead & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80)
      return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  auto is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < least[bytes] || code > 0x10FFFF || is_surrogate)
    return {};
  return {code, bytes, true};
}

bool must_escape(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) // C0, DEL, C1
         || code == 0x2028 || code == 0x2029           // line separators
         || code == 0x061C || code == 0x200E || code == 0x200F
         || (code >= 0x202A && code <= 0x202E) // writing direction
         || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

} // namespace

void append_escaped(std::string& out, std::string_view text,
                    std::size_t limit) {
  auto end = out.size() + limit;
  while (!text.empty()) {
    if (out.size() >= end) {
      out += "...";
      return;
    }
    auto next = first_character(text);
    if (!next.is_valid)
      out += "\xEF\xBF\xBD";
    else if (next.code == '"' || next.code == '\\')
      (out += '\\') += static_cast<char>(next.code);
    else if (next.code == '\n')
      out += "\\n";
    else if (next.code == '\t')
      out += "\\t";
    else if (must_escape(next.code))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}",
                     static_cast<unsigned>(next.code));
    else
      out += text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
}

std::string quote(std::string_view text, std::size_t limit) {
  std::string result = "\"";
  append_escaped(result, text, limit);
  result += '"';
  return result;
}

} // namespace model_server
