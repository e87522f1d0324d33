// Normalises with utf8proc's tables. Its own ordering of combining marks takes
// quadratic time on long runs of them, so the ordering is done here.
#include "models/text/unicode_form.hpp"

#include "models/text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace model_server {

namespace {

/// Appends the full decomposition of `code`.
void decompose(char32_t code, utf8proc_option_t options,
               std::vector<utf8proc_int32_t>& out) {
  utf8proc_int32_t parts[32];
  int last_boundary = 0;
  auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code),
                                       parts, 32, options, &last_boundary);
  if (count < 0 || count > 32)
    throw std::logic_error{"a decomposition of more than 32 characters"};
  out.insert(out.end(), parts, parts + count);
}

/// Puts each run of combining marks in the order of their classes.
void order_marks(std::vector<utf8proc_int32_t>& codes) {
  auto class_of = [](utf8proc_int32_t code) {
    return utf8proc_get_property(code)->combining_class;
  };
  auto begin = codes.begin();
  while (begin != codes.end()) {
    begin = std::find_if(begin, codes.end(), class_of);
    auto end = std::find_if_not(begin, codes.end(), class_of);
    std::stable_sort(begin, end,
                     [&](auto a, auto b) { return class_of(a) < class_of(b); });
    begin = end;
  }
}

bool has_category(char32_t code, utf8proc_category_t first,
                  utf8proc_category_t last) {
  auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category >= first && category <= last;
}

} // namespace

std::string to_unicode_form(std::string_view text, unicode_form form) {
  auto compose = form == unicode_form::nfc || form == unicode_form::nfkc;
  auto compatible = form == unicode_form::nfkc || form == unicode_form::nfkd;
  auto options = static_cast<utf8proc_option_t>(
      UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE)
      | (compatible ? UTF8PROC_COMPAT : 0));
  auto splitting =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE
                                     | (compatible ? UTF8PROC_COMPAT : 0));
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  while (!text.empty()) {
    auto front = read_utf8(text);
    if (front.code < 0x80)
      codes.push_back(static_cast<utf8proc_int32_t>(front.code));
    else
      decompose(front.code, splitting, codes);
    text.remove_prefix(front.size);
  }
  order_marks(codes);
  auto count = static_cast<utf8proc_ssize_t>(codes.size());
  if (compose)
    count = utf8proc_normalize_utf32(codes.data(), count, options);
  std::string result;
  for (utf8proc_ssize_t i = 0; i < count; ++i)
    append_utf8(result,
                static_cast<char32_t>(codes[static_cast<std::size_t>(i)]));
  return result;
}

void append_lowercase(std::string& out, char32_t code) {
  append_utf8(out, static_cast<char32_t>(
                       utf8proc_tolower(static_cast<utf8proc_int32_t>(code))));
  if (code == 0x130)
    append_utf8(out, 0x307);
}

bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85
         || has_category(code, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool is_letter(char32_t code) {
  return has_category(code, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool is_decimal(char32_t code) {
  return has_category(code, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_ND);
}

bool is_numeric(char32_t code) {
  return has_category(code, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool is_punctuation(char32_t code) {
  auto ascii_symbol = [&] {
    return code > 0x20 && code < 0x7F && !(code >= '0' && code <= '9')
           && !((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
  };
  return has_category(code, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO)
         || ascii_symbol();
}

bool is_word_character(char32_t code) {
  return has_category(code, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL)
         || has_category(code, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PC)
         || code == 0x200C || code == 0x200D;
}

} // namespace model_server
