// The alphabet of byte-level vocabularies: a printable character a byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// The character that stands for `byte` in such vocabularies, as UTF-8.
std::string_view byte_letter(unsigned char byte);

/// The bytes that a spelling stands for; nothing if it has a character that
/// stands for none.
std::optional<std::string> bytes_of_letters(std::string_view spelling);

} // namespace model_server
