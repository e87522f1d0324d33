// Renders templates in tests, with a fixed clock.
#pragma once

#include "models/text/chat_template.hpp"

#include <ctime>
#include <string>

namespace model_server {

/// Friday 2025-03-14 09:26:53, as the stored renderings have it.
inline template_clock fixed_clock() {
  return [] {
    std::tm now{};
    now.tm_year = 125;
    now.tm_mon = 2;
    now.tm_mday = 14;
    now.tm_hour = 9;
    now.tm_min = 26;
    now.tm_sec = 53;
    now.tm_wday = 5;
    now.tm_yday = 72;
    return now;
  };
}

inline std::string joined(const std::vector<prompt_segment>& segments) {
  std::string result;
  for (auto& segment : segments)
    result += segment.text;
  return result;
}

inline std::string render(std::string_view source,
                          const template_dict& variables = {},
                          const template_limits& limits = {}) {
  return joined(chat_template{source}.render(variables, limits, fixed_clock()));
}

/// What goes wrong with a template; empty if nothing does.
inline std::string render_error(std::string_view source,
                                const template_dict& variables = {},
                                const template_limits& limits = {}) {
  try {
    render(source, variables, limits);
  } catch (const template_error& e) {
    return e.what();
  }
  return "";
}

} // namespace model_server
