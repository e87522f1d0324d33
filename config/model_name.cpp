// The rule for model names.
#include "config/model_name.hpp"

namespace model_server {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':'
         || c == '-';
}

} // namespace

bool is_model_name(std::string_view name) {
  if (name.empty() || name.size() > max_model_name_bytes)
    return false;
  auto begins_part = true;
  for (auto c : name) {
    if (begins_part && (c == '.' || c == '/'))
      return false;
    if (c != '/' && !is_name_character(c))
      return false;
    begins_part = c == '/';
  }
  return !begins_part;
}

std::string_view model_name_rule() {
  return "1 to 128 of A-Z a-z 0-9 . _ : - with / between parts, of which none "
         "begins with a dot";
}

} // namespace model_server
