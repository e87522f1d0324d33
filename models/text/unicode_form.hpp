// What Unicode says about characters: normal forms, lower case, categories.
#pragma once

#include <string>
#include <string_view>

namespace model_server {

/// The forms of Unicode normalisation.
enum class unicode_form { nfc, nfd, nfkc, nfkd };

/// `text`, which is valid UTF-8, in one of the normal forms; O(n log n)
/// whatever its shape.
std::string to_unicode_form(std::string_view text, unicode_form form);

/// The lower case of one character (U+0130 has two characters there).
void append_lowercase(std::string& out, char32_t code);

/// White space as Unicode has it.
bool is_white_space(char32_t code);
/// A letter (categories L*).
bool is_letter(char32_t code);
/// A decimal digit (category Nd).
bool is_decimal(char32_t code);
/// A digit or another number (categories Nd, Nl, No).
bool is_numeric(char32_t code);
/// ASCII punctuation and symbols, and Unicode's punctuation.
bool is_punctuation(char32_t code);
/// A letter, mark, digit, connector or joiner, as word boundaries have it.
bool is_word_character(char32_t code);

} // namespace model_server
