// What a client says: a conversation, as every room knows it.
#pragma once

#include <string>
#include <vector>

namespace model_server {

/// Who speaks. `agent` is the model ("assistant" in templates and in OpenAI's
/// dialect).
enum class chat_role { system, user, agent, tool };

/// One turn of a conversation. `content` is valid UTF-8.
struct chat_message {
  chat_role role = chat_role::user;
  std::string content;

  friend bool operator==(const chat_message&, const chat_message&) = default;
};

/// A conversation, oldest turn first. When the last turn is the agent's, the
/// reply continues it instead of beginning a turn of its own.
struct chat {
  std::vector<chat_message> messages;
  /// Text of a JSON object with more that the model's template may ask for;
  /// empty for none.
  std::string template_arguments = {};

  /// True if the reply goes on with the agent's last turn.
  bool continues_agent() const {
    return !messages.empty() && messages.back().role == chat_role::agent;
  }

  friend bool operator==(const chat&, const chat&) = default;
};

} // namespace model_server
