// Numbers and strings as templates spell them.
#pragma once

#include "models/text/template_lexer.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace model_server {

/// The number at the front of `text`, which begins with a digit, and how many
/// bytes it has. A fraction or an exponent counts only with `may_be_real`.
/// Throws `template_error` for a number that can't be had.
std::pair<std::size_t, template_token> read_number(std::string_view text,
                                                   bool may_be_real);

/// What stands between a string's quotes, its escapes resolved as Python does.
/// Throws `template_error` for a broken one.
std::string unescape_string(std::string_view text);

} // namespace model_server
