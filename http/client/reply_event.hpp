// What one event of a streamed call says.
#pragma once

#include "http/client/event_stream.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace model_server {

/// Tokens of a request, as the server counts them.
struct reply_usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_tokens = 0;
};

struct reply_event {
  std::string text;
  /// Tokens of the reply so far.
  std::uint64_t tokens = 0;
  /// `stop`, `length`; empty until the end.
  std::string finish_reason;
  std::optional<reply_usage> usage;
  /// The stream is whole.
  bool is_done = false;
  /// What went wrong in the middle of it, and what its code is.
  std::string error;
  std::string error_code;
};

/// Reads an event of `/api/v1/{model}/call`. Throws `std::runtime_error` for
/// what is none.
reply_event read_reply_event(const stream_event& event);

/// What a body of an error says: its message and code, both empty if it is no
/// such body.
struct server_error {
  std::string message;
  std::string code;
};

server_error read_server_error(const std::string& body);

} // namespace model_server
