// The bodies of OpenAI's dialect: what a reply is asked for with. Pure.
#pragma once

#include "http/chat_request.hpp"
#include "http/error_reply.hpp"
#include "http/json_fields.hpp"
#include "http/sampling_fields.hpp"

#include <optional>
#include <string>
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

/// Reads `model`, and checks that it can be one. `fallback` stands in for it if
/// it is not named; empty if nothing can.
std::string read_openai_model(json_fields& body,
                              std::optional<error_reply>& error,
                              std::string_view fallback = {});

/// Reads what chats and completions have in common.
openai_request read_openai_options(json_fields& body,
                                   std::optional<error_reply>& error,
                                   logprobs_form form);

/// Reads the body of /v1/chat/completions. Fields that nobody knows are passed
/// over, as clients expect; known ones that ask for what is not built are
/// refused by name.
std::variant<openai_request, error_reply>
read_openai_chat(std::string_view body);

} // namespace model_server
