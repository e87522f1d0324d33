// Which web pages may use the server. Pure.
#pragma once

#include "http/exchange.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// True if no page of another server has sent it: a program, or a page of ours.
bool is_from_own_page(const http_request& request);

/// True for a browser's question whether a page may send a request.
bool is_preflight(const http_request& request);

/// The pages of other origins that may use the server. They do so with keys in
/// a header field, never with cookies, so no credentials are ever allowed.
class cors_policy {
public:
  /// As in `access_settings`.
  explicit cors_policy(std::vector<std::string> origins);

  bool allows(std::string_view origin) const;

  /// What goes into every answer to a request with this `Origin` field, or with
  /// none (empty).
  http_headers headers_for(std::string_view origin) const;

  /// The answer to a preflight of an origin that is allowed.
  http_response preflight(const http_request& request) const;

private:
  std::vector<std::string> origins_;
  bool is_any_;
};

} // namespace model_server
