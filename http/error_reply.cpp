// Turns failures into statuses, headers and bodies.
#include "http/error_reply.hpp"

#include "config/model_name.hpp"
#include "config/quote.hpp"
#include "http/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

std::string_view type_of(unsigned status) {
  switch (status) {
  case 401:
    return "authentication_error";
  case 403:
    return "permission_error";
  case 429:
    return "rate_limit_error";
  case 503:
    return "service_unavailable_error";
  default:
    return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

unsigned status_of(errc code, failed_at where) {
  switch (code) {
  case errc::bad_config:
  case errc::no_such_device:
  case errc::context_length_exceeded:
  case errc::bad_chat:
  case errc::out_of_range:
  case errc::unsupported_field:
  case errc::wrong_task:
    return 400;
  case errc::model_not_found:
  case errc::request_not_found:
    return 404;
  case errc::device_in_use:
  case errc::name_in_use:
    return 409;
  case errc::model_not_active:
    return where == failed_at::call ? 503 : 409;
  case errc::queue_full:
    return 429;
  case errc::insufficient_memory:
  case errc::low_memory:
  case errc::model_loading:
  case errc::queue_timeout:
  case errc::shutting_down:
    return 503;
  case errc::deadline_exceeded:
    return 504;
  case errc::none:
  case errc::load_failed:
  case errc::model_failed:
  case errc::worker_lost:
  case errc::poison_request:
  case errc::internal_error:
    return 500;
  }
  return 500;
}

} // namespace

std::string_view reason_phrase(unsigned status) {
  switch (status) {
  case 200:
    return "OK";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 415:
    return "Unsupported Media Type";
  case 417:
    return "Expectation Failed";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Internal Server Error";
  }
}

error_reply bad_request(std::string code, std::string message,
                        std::string param) {
  return {.status = 400,
          .code = std::move(code),
          .message = std::move(message),
          .param = std::move(param)};
}

std::optional<error_reply> check_model_name(std::string_view name) {
  if (is_model_name(name))
    return std::nullopt;
  return error_reply{.status = 404,
                     .code = "model_not_found",
                     .message =
                         fmt::format("there is no model {}; a name has "
                                     "{}",
                                     quote(name, 200), model_name_rule())};
}

error_reply to_error_reply(const failure& what, failed_at where) {
  auto status = status_of(what.code, where);
  auto retry_after = what.retry_after;
  // The contract promises the header with these two.
  if (status == 429 || status == 503)
    retry_after = std::max<std::uint32_t>(retry_after, 1);
  return {.status = status,
          .code = to_string(what.code),
          .message = what.message,
          .param = what.param,
          .retry_after = retry_after,
          .is_retryable = what.code != errc::worker_lost
                          && what.code != errc::poison_request};
}

std::string error_body(const error_reply& error) {
  json_text out;
  out.begin_object().key("error").begin_object();
  out.key("message").text(error.message);
  out.key("type").text(type_of(error.status));
  out.key("param");
  if (error.param.empty())
    out.null();
  else
    out.text(error.param);
  out.key("code").text(error.code);
  out.end_object().end_object();
  return out.str();
}

http_response to_response(const error_reply& error) {
  http_response result;
  result.status = error.status;
  result.body = error_body(error);
  if (error.retry_after > 0)
    result.headers.emplace_back("retry-after",
                                std::to_string(error.retry_after));
  if (!error.is_retryable)
    result.headers.emplace_back("x-should-retry", "false");
  if (!error.allow.empty())
    result.headers.emplace_back("allow", error.allow);
  if (error.status == 401)
    result.headers.emplace_back("www-authenticate", "Bearer");
  return result;
}

std::string raw_response(const error_reply& error, std::string_view request_id,
                         bool is_head) {
  auto response = to_response(error);
  auto out =
      fmt::format("HTTP/1.1 {} {}\r\n"
                  "connection: close\r\n"
                  "content-type: {}\r\n"
                  "content-length: {}\r\n"
                  "x-request-id: {}\r\n",
                  error.status, reason_phrase(error.status),
                  response.content_type, response.body.size(), request_id);
  for (const auto& [name, value] : response.headers)
    out += fmt::format("{}: {}\r\n", name, value);
  return out + "\r\n" + (is_head ? "" : response.body);
}

} // namespace model_server
