// Errors as clients see them: status, code, and the one shape of the body.
#pragma once

#include "actors/errors.hpp"
#include "http/exchange.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// An error answer before it is written.
struct error_reply {
  unsigned status = 500;
  std::string code = "internal_error";
  /// For the client; names the value and the limit.
  std::string message;
  /// A path into the body, or empty (null in the answer).
  std::string param = {};
  /// Seconds, for the header of that name; 0 is none.
  std::uint32_t retry_after = 0;
  /// False tells clients that retry by themselves not to.
  bool is_retryable = true;
  /// The methods of the route, for 405; else empty.
  std::string allow = {};

  friend bool operator==(const error_reply&, const error_reply&) = default;
};

/// What was being done when an actor failed; a model without an entity is a
/// conflict for `remove`, and out of service for `call`.
enum class failed_at { call, administration };

/// A 400 about the body.
error_reply bad_request(std::string code, std::string message,
                        std::string param = {});

/// A 404 for what no model can be called; nothing if it is a name. Checked
/// before it reaches a log or a message; the gateway knows which models there
/// are.
std::optional<error_reply> check_model_name(std::string_view name);

/// The answer to a failure of the actors.
error_reply to_error_reply(const failure& what,
                           failed_at where = failed_at::call);

/// The words behind a status in the first line of a response.
std::string_view reason_phrase(unsigned status);

/// The body, all four keys always.
std::string error_body(const error_reply& error);

/// Body and headers.
http_response to_response(const error_reply& error);

/// A complete response as it goes over the wire, which closes the connection
/// afterwards: for errors that are found before there is a request to answer.
/// `is_head` leaves the body out.
std::string raw_response(const error_reply& error, std::string_view request_id,
                         bool is_head = false);

} // namespace model_server
