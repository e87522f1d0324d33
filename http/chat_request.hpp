// The body of a call: messages and how the reply is to be made. Pure.
#pragma once

#include "actors/messages.hpp"
#include "http/error_reply.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace model_server {

/// A call as its body asks for it.
struct chat_request {
  /// Without id, model and prompt. The seed is there if the client
  /// gave one.
  generation_request request;
  /// What the answer calls itself, `call-...`; set by the endpoint.
  std::string reply_id;
  /// Each is answered by replies of its own.
  std::vector<reply_prompt> prompts;
  /// Replies to each prompt.
  std::size_t n = 1;
  /// How long the client waits, if it says so.
  std::optional<std::chrono::milliseconds> timeout;
  bool has_seed = false;
  bool is_streamed = false;

  std::size_t choices() const {
    return prompts.size() * n;
  }

  const reply_prompt& prompt_of(std::size_t choice) const {
    return prompts[choice / n];
  }
};

/// A prompt that is a conversation.
reply_prompt chat_prompt(chat conversation);

/// Reads the body of `call`.
std::variant<chat_request, error_reply>
read_chat_request(std::string_view body);

} // namespace model_server
