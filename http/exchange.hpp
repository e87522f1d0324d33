// What passes between the wire and the endpoints; knows no HTTP library.
#pragma once

#include "actors/trace_context.hpp"
#include "http/http_text.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

class key_usage;

/// One complete request whose framing has been checked. The views live until
/// the request handler returns.
struct http_request {
  std::string_view method;
  /// As it stood in the request line: still encoded, with its query.
  std::string_view target;
  std::string_view body;
  /// The client's own if it sent a valid one, else ours; every response
  /// carries it.
  std::string request_id;
  /// As the client tells it; often empty.
  trace_context trace = {};
  /// Whether the client understands a chunked body (HTTP/1.1).
  bool can_stream = true;
  /// The header fields, names and values as they came.
  std::vector<std::pair<std::string_view, std::string_view>> fields = {};
  /// Of the key that it came with: its name, for the log, and what pays for its
  /// tokens. Known once it has come in.
  std::string_view key_name = "-";
  std::shared_ptr<key_usage> usage = nullptr;

  /// The value of the first header field of this name; empty if there is none.
  std::string_view field(std::string_view name) const {
    auto found = std::ranges::find_if(fields, [&](const auto& each) {
      return is_same_word(each.first, name);
    });
    return found == fields.end() ? std::string_view{} : found->second;
  }
};

using http_headers = std::vector<std::pair<std::string, std::string>>;

/// A whole response, or the head of a streamed one (whose body stays empty).
struct http_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  http_headers headers;
  std::string body;
};

/// What an endpoint wants to hear while its answer is under way. Called on the
/// connection's I/O thread, the last call perhaps after the answer's end.
struct answer_events {
  /// The client has taken every piece up to the one with this mark.
  std::function<void(std::uint64_t mark)> taken;
  /// The client has left, or was cut off. Called once at most.
  std::function<void()> client_left;
};

/// The way to answer one request: either one `send`, or `begin`, any number of
/// `write`s and `end`. Calls come from any thread, one at a time. An answer
/// that is dropped before it is complete closes its connection; with a 500 if
/// nothing had been written.
class http_answer {
public:
  virtual ~http_answer() = default;

  /// Sets who hears of this answer's fate. Only within the request handler.
  virtual void watch(answer_events events) = 0;

  /// Sends a whole response; to a HEAD, and with a 304, its head.
  virtual void send(http_response response) = 0;

  /// Sends the head of a streamed response; never to a HEAD.
  virtual void begin(http_response head) = 0;

  /// Sends a piece of the body. `mark` comes back through `taken`; 0 doesn't.
  virtual void write(std::string piece, std::uint64_t mark) = 0;

  /// Sends the last piece and completes the body.
  virtual void end(std::string last_piece) = 0;
};

/// Takes every request, on an I/O thread; must not wait.
using request_handler = std::function<void(
    const http_request& request, std::unique_ptr<http_answer> answer)>;

} // namespace model_server
