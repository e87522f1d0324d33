// Leaves out control characters.
#include "http/client/terminal_text.hpp"

#include "models/text/utf8.hpp"

namespace model_server {

namespace {

bool is_harmless(char32_t code) {
  if (code < 0x20)
    return code == '\n' || code == '\t';
  return !(code >= 0x7F && code <= 0x9F)         // DEL, C1
         && !(code >= 0x202A && code <= 0x202E)  // embeddings and overrides
         && !(code >= 0x2066 && code <= 0x2069); // isolates
}

} // namespace

std::string plain_text(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto front = read_utf8(text);
    if (front.what != utf8_front::kind::whole)
      append_utf8(result, 0xFFFD);
    else if (is_harmless(front.code))
      result += text.substr(0, front.size);
    text.remove_prefix(front.size);
  }
  return result;
}

} // namespace model_server
