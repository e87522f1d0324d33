// The body of a call: messages and how the reply is to be made. Pure.
#pragma once

#include "actors/messages.hpp"
#include "http/error_reply.hpp"

#include <optional>
#include <string_view>
#include <variant>

namespace model_server {

/// A call as its body asks for it.
struct chat_request {
  /// Without id, trace id and model. The seed is there if the client gave one.
  generation_request request;
  bool has_seed = false;
  bool is_streamed = false;
};

/// Reads the body of `call`.
std::variant<chat_request, error_reply>
read_chat_request(std::string_view body);

} // namespace model_server
