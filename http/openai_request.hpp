// The bodies of OpenAI's dialect: what a reply is asked for with. Pure.
#pragma once

#include "http/chat_request.hpp"
#include "http/error_reply.hpp"

#include <string_view>
#include <variant>

namespace model_server {

/// A request in OpenAI's dialect as its body asks for it.
struct openai_request {
  /// With the model, whose name has been checked.
  chat_request call;
  /// A stream ends with an event of usage.
  bool reports_usage = false;
};

/// Reads the body of /v1/chat/completions. Fields that nobody knows are passed
/// over, as clients expect; known ones that ask for what is not built are
/// refused by name.
std::variant<openai_request, error_reply>
read_openai_chat(std::string_view body);

} // namespace model_server
