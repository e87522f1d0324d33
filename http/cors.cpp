// Compares origins, and tells browsers.
#include "http/cors.hpp"

#include "http/http_text.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

/// What every client sends, in case a browser doesn't say.
constexpr std::string_view usual_fields =
    "authorization, content-type, x-request-id";

/// What pages may read beside the body.
constexpr auto exposed_fields =
    "x-request-id, retry-after, x-should-retry, x-ratelimit-limit-requests, "
    "x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, "
    "x-ratelimit-reset-tokens";

/// True for what a browser may send as a list of fields, and we may send back.
bool is_field_list(std::string_view text) {
  return !text.empty() && text.size() <= 2048
         && std::ranges::all_of(split(text, ','), [](std::string_view name) {
              return is_token(trimmed(name));
            });
}

} // namespace

bool is_from_own_page(const http_request& request) {
  auto origin = request.field("origin");
  // Browsers know, also where a proxy has put another name into Host.
  if (origin.empty() || request.field("sec-fetch-site") == "same-origin")
    return true;
  auto host = origin.find("://");
  return host != std::string_view::npos && origin.size() > host + 3
         && is_same_word(origin.substr(host + 3), request.field("host"));
}

bool is_preflight(const http_request& request) {
  return request.method == "OPTIONS" && !request.field("origin").empty()
         && !request.field("access-control-request-method").empty();
}

cors_policy::cors_policy(std::vector<std::string> origins)
    : origins_(std::move(origins)),
      is_any_(std::ranges::find(origins_, "*") != origins_.end()) {
  // nop
}

bool cors_policy::allows(std::string_view origin) const {
  return is_any_ || std::ranges::find(origins_, origin) != origins_.end();
}

http_headers cors_policy::headers_for(std::string_view origin) const {
  http_headers result;
  if (origins_.empty())
    return result;
  // An answer to one page must not be kept for another.
  if (!is_any_)
    result.emplace_back("vary", "origin");
  if (origin.empty() || !allows(origin))
    return result;
  result.emplace_back("access-control-allow-origin",
                      is_any_ ? "*" : std::string{origin});
  result.emplace_back("access-control-expose-headers", exposed_fields);
  return result;
}

http_response cors_policy::preflight(const http_request& request) const {
  http_response result;
  result.content_type.clear();
  result.headers = headers_for(request.field("origin"));
  auto wanted = request.field("access-control-request-headers");
  result.headers.emplace_back("access-control-allow-methods",
                              "GET, HEAD, POST");
  result.headers.emplace_back("access-control-allow-headers",
                              is_field_list(wanted) ? wanted : usual_fields);
  result.headers.emplace_back("access-control-max-age", "600");
  return result;
}

} // namespace model_server
