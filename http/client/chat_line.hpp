// What a line of a chat asks for: a message, or a command.
#pragma once

#include <string>
#include <string_view>

namespace model_server {

enum class chat_verb {
  nothing,
  message,
  begin_anew,
  system,
  set,
  models,
  help,
  quit,
  unknown
};

struct chat_line {
  chat_verb verb = chat_verb::nothing;
  /// The message, or what stands behind the command; of an unknown command all
  /// of it.
  std::string text;
};

/// Reads what was entered, one line or several. A command begins with a slash,
/// a message that does so begins with two.
chat_line read_chat_line(std::string_view text);

/// `temperature 0.2` or `temperature=0.2` in two; the value is empty if there
/// is none.
struct field_setting {
  std::string name;
  std::string value;
};

field_setting read_field_setting(std::string_view text);

/// The commands, a line each.
std::string_view chat_help();

} // namespace model_server
