// A line without the white space around it.
#pragma once

#include <algorithm>
#include <string_view>

namespace model_server {

/// Without the spaces, tabs and ends of line at both ends.
constexpr std::string_view trimmed_line(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  return text.substr(0, text.find_last_not_of(spaces) + 1);
}

} // namespace model_server
