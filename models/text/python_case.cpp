// Upper, lower and title case of text.
#include "models/text/python_text.hpp"

#include "models/text/letter_case.hpp"
#include "models/text/marked_map.hpp"

namespace model_server {

marked_text upper_text(const marked_text& text) {
  return map_characters(
      text, [](auto& out, auto, auto code) { append_upper(out, code); });
}

marked_text lower_text(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  return map_characters(text, [&](auto& out, auto at, auto) {
    append_lower(out, all.substr(0, at), all.substr(at));
  });
}

marked_text capitalize_text(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  return map_characters(text, [&](auto& out, auto at, auto code) {
    if (at == 0)
      append_title(out, code);
    else
      append_lower(out, all.substr(0, at), all.substr(at));
  });
}

marked_text title_text(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  bool in_word = false;
  return map_characters(text, [&](auto& out, auto at, auto code) {
    if (in_word)
      append_lower(out, all.substr(0, at), all.substr(at));
    else
      append_title(out, code);
    in_word = is_cased(code);
  });
}

marked_text title_words(const marked_text& text) {
  auto all = std::string_view{text.bytes()};
  bool at_begin = true;
  std::size_t word = 0;
  return map_characters(text, [&](auto& out, auto at, auto code) {
    auto separates = is_python_space(code)
                     || std::u32string_view{U"-({[<"}.find(code)
                            != std::u32string_view::npos;
    if (at_begin && !separates)
      append_upper(out, code), word = at;
    else
      append_lower(out, all.substr(word, at - word), all.substr(at));
    at_begin = separates;
  });
}

bool is_lower_text(std::string_view text) {
  bool any = false;
  while (!text.empty()) {
    auto front = read_utf8(text);
    text.remove_prefix(front.size);
    if (is_cased(front.code) && !is_lower_letter(front.code))
      return false;
    any |= is_lower_letter(front.code);
  }
  return any;
}

bool is_upper_text(std::string_view text) {
  bool any = false;
  while (!text.empty()) {
    auto front = read_utf8(text);
    text.remove_prefix(front.size);
    if (is_cased(front.code) && !is_upper_letter(front.code))
      return false;
    any |= is_upper_letter(front.code);
  }
  return any;
}

} // namespace model_server
