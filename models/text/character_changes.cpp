// Changes of single characters, by their categories.
#include "models/text/character_changes.hpp"

#include "models/text/byte_alphabet.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"

#include <utf8proc.h>

namespace model_server {

namespace {

utf8proc_category_t category_of(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

bool in(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

/// A control character, one for formatting or of private use.
bool is_other(char32_t code) {
  switch (category_of(code)) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CO:
    return true;
  default:
    return false;
  }
}

bool is_chinese(char32_t code) {
  return in(code, 0x4E00, 0x9FFF) || in(code, 0x3400, 0x4DBF)
         || in(code, 0x20000, 0x2A6DF) || in(code, 0x2A700, 0x2B73F)
         || in(code, 0x2B740, 0x2B81F) || in(code, 0x2B920, 0x2CEAF)
         || in(code, 0xF900, 0xFAFF) || in(code, 0x2F800, 0x2FA1F);
}

constexpr std::int16_t no_character = -1, several = -2;

} // namespace

character_map::character_map(character_change change) : change_(change) {
  for (char32_t code = 0; code < ascii_.size(); ++code) {
    std::string made;
    change(made, code);
    ascii_[code] = made.empty()       ? no_character
                   : made.size() == 1 ? static_cast<std::int16_t>(
                                            static_cast<unsigned char>(made[0]))
                                      : several;
  }
}

std::string character_map::apply(std::string_view text) const {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80 && ascii_[first] != several) {
      if (ascii_[first] != no_character)
        result.push_back(static_cast<char>(ascii_[first]));
      text.remove_prefix(1);
      continue;
    }
    auto front = read_utf8(text);
    change_(result, front.code);
    text.remove_prefix(front.size);
  }
  return result;
}

void append_cleaned(std::string& out, char32_t code) {
  if (code == '\t' || code == '\n' || code == '\r')
    out += ' ';
  else if (code == 0xFFFD || is_other(code))
    return;
  else if (is_white_space(code))
    out += ' ';
  else
    append_utf8(out, code);
}

void append_chinese_apart(std::string& out, char32_t code) {
  auto apart = is_chinese(code);
  if (apart)
    out += ' ';
  append_utf8(out, code);
  if (apart)
    out += ' ';
}

void append_unless_accent(std::string& out, char32_t code) {
  if (category_of(code) != UTF8PROC_CATEGORY_MN)
    append_utf8(out, code);
}

void append_unless_mark(std::string& out, char32_t code) {
  auto category = category_of(code);
  if (category != UTF8PROC_CATEGORY_MN && category != UTF8PROC_CATEGORY_MC
      && category != UTF8PROC_CATEGORY_ME)
    append_utf8(out, code);
}

void append_nmt(std::string& out, char32_t code) {
  if (in(code, 0x01, 0x08) || code == 0x0B || in(code, 0x0E, 0x1F)
      || code == 0x7F || code == 0x8F || code == 0x9F)
    return;
  if (code == 0x09 || code == 0x0A || code == 0x0C || code == 0x0D
      || code == 0x1680 || in(code, 0x200B, 0x200F) || code == 0x2028
      || code == 0x2029 || code == 0x2581 || code == 0xFEFF || code == 0xFFFD)
    out += ' ';
  else
    append_utf8(out, code);
}

void append_byte_letters(std::string& out, char32_t code) {
  std::string bytes;
  append_utf8(bytes, code);
  for (auto byte : bytes)
    out += byte_letter(static_cast<unsigned char>(byte));
}

} // namespace model_server
