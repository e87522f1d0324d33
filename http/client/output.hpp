// What commands print.
#pragma once

#include <string_view>

namespace model_server {

/// Writes to stdout, at once. Throws `std::system_error` if that fails.
void print_now(std::string_view text);

/// A line to stderr, with the program's name before it.
void complain(std::string_view text);

} // namespace model_server
