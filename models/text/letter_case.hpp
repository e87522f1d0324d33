// Upper, lower and title case of characters, by Unicode's full mappings.
#pragma once

#include <string>
#include <string_view>

namespace model_server {

/// What a character becomes; some become two or three.
void append_upper(std::string& out, char32_t code);
void append_title(std::string& out, char32_t code);
/// The lower case of the character at the front of `rest`; `before` is the
/// text in front of it. A sigma that ends a word has a form of its own.
void append_lower(std::string& out, std::string_view before,
                  std::string_view rest);

bool is_lower_letter(char32_t code);
bool is_upper_letter(char32_t code);
/// Has a case: lower, upper or title.
bool is_cased(char32_t code);

} // namespace model_server
