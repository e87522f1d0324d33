// Case mappings: utf8proc's simple ones and the special ones.
#include "models/text/letter_case.hpp"

#include "models/text/special_casing.hpp"
#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>

namespace model_server {

namespace {

const special_case* find_special(char32_t code) {
  auto found =
      std::lower_bound(special_cases.begin(), special_cases.end(), code,
                       [](const special_case& each, char32_t wanted) {
                         return each.code < wanted;
                       });
  return found != special_cases.end() && found->code == code ? &*found
                                                             : nullptr;
}

void append_all(std::string& out, const std::array<char32_t, 3>& codes) {
  for (auto code : codes)
    if (code != 0)
      append_utf8(out, code);
}

bool in(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

/// Doesn't end a word for the sake of its sigma.
bool is_case_ignorable(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_SK:
    return true;
  default:
    constexpr std::u32string_view others =
        U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52"
        U"\uFE55\uFF07\uFF0E\uFF1A";
    return others.find(code) != others.npos;
  }
}

/// True if a sigma between these two ends a word.
bool is_final(std::string_view before, std::string_view after) {
  while (!before.empty()) {
    auto at = before.size() - 1;
    while (at > 0 && is_utf8_continuation(before[at]))
      --at;
    auto code = read_utf8(before.substr(at)).code;
    before = before.substr(0, at);
    if (is_case_ignorable(code))
      continue;
    if (!is_cased(code))
      return false;
    // A letter before it; none may come after.
    while (!after.empty()) {
      auto front = read_utf8(after);
      after.remove_prefix(front.size);
      if (!is_case_ignorable(front.code))
        return !is_cased(front.code);
    }
    return true;
  }
  return false;
}

} // namespace

void append_upper(std::string& out, char32_t code) {
  if (auto* special = find_special(code))
    append_all(out, special->upper);
  else
    append_utf8(out, static_cast<char32_t>(utf8proc_toupper(
                         static_cast<utf8proc_int32_t>(code))));
}

void append_title(std::string& out, char32_t code) {
  if (auto* special = find_special(code))
    append_all(out, special->title);
  else
    append_utf8(out, static_cast<char32_t>(utf8proc_totitle(
                         static_cast<utf8proc_int32_t>(code))));
}

void append_lower(std::string& out, std::string_view before,
                  std::string_view rest) {
  constexpr char32_t sigma = 0x3A3, final_sigma = 0x3C2;
  auto front = read_utf8(rest);
  if (front.code == sigma && is_final(before, rest.substr(front.size)))
    append_utf8(out, final_sigma);
  else
    append_lowercase(out, front.code);
}

bool is_lower_letter(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code))
             == UTF8PROC_CATEGORY_LL
         || code == 0xAA || code == 0xBA || in(code, 0x2B0, 0x2B8)
         || in(code, 0x2C0, 0x2C1) || in(code, 0x2E0, 0x2E4) || code == 0x345
         || code == 0x37A || in(code, 0x1D2C, 0x1D6A) || code == 0x1D78
         || in(code, 0x1D9B, 0x1DBF) || code == 0x2071 || code == 0x207F
         || in(code, 0x2090, 0x209C) || in(code, 0x2170, 0x217F)
         || in(code, 0x24D0, 0x24E9) || in(code, 0x2C7C, 0x2C7D);
}

bool is_upper_letter(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code))
             == UTF8PROC_CATEGORY_LU
         || in(code, 0x2160, 0x216F) || in(code, 0x24B6, 0x24CF)
         || in(code, 0x1F130, 0x1F149) || in(code, 0x1F150, 0x1F169)
         || in(code, 0x1F170, 0x1F189);
}

bool is_cased(char32_t code) {
  return is_lower_letter(code) || is_upper_letter(code)
         || utf8proc_category(static_cast<utf8proc_int32_t>(code))
                == UTF8PROC_CATEGORY_LT;
}

} // namespace model_server
