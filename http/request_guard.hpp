// Checks the framing of requests, byte by byte, before any parser sees them.
#pragma once

#include "actors/trace_context.hpp"
#include "http/chunk_guard.hpp"
#include "http/error_reply.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Sizes above which a request is refused.
struct request_limits {
  std::size_t target_bytes = 8192;
  std::size_t field_name_bytes = 256;
  std::size_t field_value_bytes = 8192;
  std::size_t fields = 100;
  std::size_t head_bytes = 65'536;
  std::size_t body_bytes = 4 << 20;
  std::size_t chunks = 16'384;
};

/// Reads one request after the other and lets through only what every parser
/// reads alike: strict about line ends, versions, field names, Host, lengths
/// and chunks. The head is held back until it is complete and right.
class request_guard {
public:
  explicit request_guard(request_limits limits = {});

  /// Takes bytes of the current request and appends to `approved` what a
  /// parser may see. Returns how many were taken: fewer than all when the
  /// request is complete or refused.
  std::size_t feed(std::string_view bytes, std::string& approved);

  /// True as soon as something of the request has come.
  bool has_begun() const;

  /// True when the last byte of the request has been taken.
  bool is_complete() const;

  /// Why this request, and with it the connection, must be refused.
  const std::optional<error_reply>& refusal() const;

  /// Bytes of the body that have been taken, with the framing of its chunks.
  std::size_t body_bytes() const {
    return body_bytes_;
  }

  /// The client waits for a 100 before it sends the body. Tells so once.
  bool takes_continue();

  /// The client's own id if it sent a valid one, else empty.
  const std::string& request_id() const;

  /// The trace that the client says the request is part of; empty if it says
  /// nothing valid.
  trace_context trace() const;

  /// The client asks for a head alone: no body may follow, that of an error
  /// neither.
  bool is_head() const;

  /// False for HTTP/1.0, which knows no chunks.
  bool is_http_1_1() const;

  /// Forgets the request and waits for the next one.
  void next();

private:
  enum class part { head, body, chunks, complete, refused };

  /// What the fields of a head say about its framing.
  struct framing;

  void refuse(unsigned status, std::string code, std::string message);
  void refuse(std::string message);
  std::size_t take_head(std::string_view bytes, std::string& approved);
  void end_head(std::string& approved);
  bool check_request_line(std::string_view line);
  bool check_field(std::string_view line, framing& seen);
  bool check_framing(const framing& seen);
  bool check_target(const framing& seen);
  std::size_t take_body(std::string_view bytes, std::string& approved);
  std::size_t take_chunks(std::string_view bytes, std::string& approved);

  request_limits limits_;
  part part_ = part::head;
  std::string head_;
  /// Bytes of a body with a length that are still to come.
  std::uint64_t missing_ = 0;
  std::optional<chunk_guard> chunks_;
  std::size_t body_bytes_ = 0;
  std::string method_;
  std::string target_;
  bool is_http_1_1_ = true;
  bool wants_continue_ = false;
  std::string request_id_;
  std::vector<std::string> trace_parents_;
  std::vector<std::string> trace_states_;
  std::optional<error_reply> refusal_;
};

} // namespace model_server
