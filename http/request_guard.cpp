// The strict reading of HTTP/1.1 that keeps requests from being understood in
// two ways.
#include "http/request_guard.hpp"

#include "config/quote.hpp"
#include "http/http_text.hpp"
#include "http/request_id.hpp"
#include "http/trace_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace model_server {

namespace {

/// Of what a client sent, in an error sentence.
constexpr std::size_t shown_bytes = 64;

} // namespace

struct request_guard::framing {
  std::vector<std::string> hosts;
  std::vector<std::string> lengths;
  std::vector<std::string> encodings;
  std::size_t keys = 0;
};

request_guard::request_guard(request_limits limits) : limits_(limits) {
  // nop
}

bool request_guard::has_begun() const {
  return part_ != part::head || !head_.empty();
}

bool request_guard::is_complete() const {
  return part_ == part::complete;
}

const std::optional<error_reply>& request_guard::refusal() const {
  return refusal_;
}

bool request_guard::takes_continue() {
  auto result =
      wants_continue_ && !is_complete() && !refusal_ && part_ != part::head;
  if (result)
    wants_continue_ = false;
  return result;
}

const std::string& request_guard::request_id() const {
  return request_id_;
}

trace_context request_guard::trace() const {
  return read_trace_fields(trace_parents_, trace_states_);
}

bool request_guard::is_head() const {
  return head_.starts_with("HEAD ");
}

bool request_guard::is_http_1_1() const {
  return is_http_1_1_;
}

void request_guard::next() {
  *this = request_guard{limits_};
}

void request_guard::refuse(unsigned status, std::string code,
                           std::string message) {
  part_ = part::refused;
  refusal_ = error_reply{
      .status = status, .code = std::move(code), .message = std::move(message)};
}

void request_guard::refuse(std::string message) {
  refuse(400, "bad_http", std::move(message));
}

std::size_t request_guard::feed(std::string_view bytes, std::string& approved) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    auto rest = bytes.substr(taken);
    switch (part_) {
    case part::complete:
    case part::refused:
      return taken;
    case part::head:
      taken += take_head(rest, approved);
      break;
    case part::body:
      taken += take_body(rest, approved);
      break;
    case part::chunks:
      taken += take_chunks(rest, approved);
      break;
    }
  }
  return taken;
}

// -- head ---------------------------------------------------------------------

std::size_t request_guard::take_head(std::string_view bytes,
                                     std::string& approved) {
  std::size_t taken = 0;
  for (auto c : bytes) {
    ++taken;
    auto after_return = !head_.empty() && head_.back() == '\r';
    if (c == '\n' && !after_return)
      return refuse("a line ends without a carriage return"), taken;
    if (c != '\n' && after_return)
      return refuse("a carriage return stands within a line"), taken;
    if (is_control(c) && c != '\r' && c != '\n' && c != '\t')
      return refuse("the head holds a control character"), taken;
    head_ += c;
    if (c != '\n') {
      if (method_.empty() && head_.size() > limits_.target_bytes + 64)
        return refuse(414, "uri_too_long",
                      fmt::format("the address is longer than {} bytes",
                                  limits_.target_bytes)),
               taken;
      if (head_.size() > limits_.head_bytes)
        return refuse(431, "headers_too_large",
                      fmt::format("the head is larger than {} bytes",
                                  limits_.head_bytes)),
               taken;
      continue;
    }
    // Empty lines before a request are no part of it.
    if (head_ == "\r\n")
      head_.clear();
    else if (method_.empty()
             && !check_request_line(
                 std::string_view{head_}.substr(0, head_.size() - 2)))
      return taken;
    else if (head_.ends_with("\r\n\r\n"))
      return end_head(approved), taken;
  }
  // Before the first line has ended: what can't become a request is refused
  // without waiting for the rest.
  if (method_.empty() && !head_.empty()) {
    auto method = std::string_view{head_}.substr(0, head_.find(' '));
    if (method == "\r")
      return taken;
    if (method.size() > 32 || !is_token(method))
      refuse("the request does not begin with a method");
  }
  return taken;
}

void request_guard::end_head(std::string& approved) {
  framing seen;
  std::string_view rest = head_;
  auto is_first = true;
  std::size_t fields = 0;
  std::string kept;
  kept.reserve(head_.size());
  while (rest != "\r\n") {
    auto end = rest.find("\r\n");
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    // The request line has been checked when it came.
    if (is_first) {
      is_first = false;
    } else {
      if (++fields > limits_.fields)
        return refuse(431, "headers_too_large",
                      fmt::format("there are more than {} header fields",
                                  limits_.fields));
      if (!check_field(line, seen))
        return;
      // We never switch protocols; a parser that sees this field would stop
      // reading HTTP.
      if (is_same_word(line.substr(0, line.find(':')), "upgrade"))
        continue;
    }
    kept.append(line).append("\r\n");
  }
  if (!check_framing(seen) || !check_target(seen))
    return;
  approved.append(kept).append("\r\n");
}

bool request_guard::check_request_line(std::string_view line) {
  auto words = split(line, ' ');
  if (words.size() != 3)
    return refuse("the request line is not `METHOD TARGET HTTP/1.1`"), false;
  auto version = words[2];
  if (version.size() != 8 || !version.starts_with("HTTP/")
      || !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7]))
    return refuse("the request line does not end with an HTTP version"), false;
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refuse(505, "http_version",
                  fmt::format("{} is not spoken here, only HTTP/1.1 and "
                              "HTTP/1.0",
                              version)),
           false;
  is_http_1_1_ = version == "HTTP/1.1";
  constexpr std::string_view known[] = {"GET",     "POST",  "HEAD",
                                        "PUT",     "PATCH", "DELETE",
                                        "OPTIONS", "TRACE", "CONNECT"};
  if (std::ranges::find(known, words[0]) == std::end(known))
    return refuse(fmt::format("the method {} is unknown; known are {}",
                              quote(words[0], shown_bytes),
                              fmt::join(known, ", "))),
           false;
  if (words[0] == "CONNECT") {
    refuse(405, "method_not_allowed", "this server is no proxy");
    refusal_->allow = "GET, POST";
    return false;
  }
  if (words[1].size() > limits_.target_bytes)
    return refuse(414, "uri_too_long",
                  fmt::format("the address has {} bytes, the limit is {}",
                              words[1].size(), limits_.target_bytes)),
           false;
  method_ = words[0];
  target_ = words[1];
  return true;
}

bool request_guard::check_field(std::string_view line, framing& seen) {
  if (line.front() == ' ' || line.front() == '\t')
    return refuse("a header field is folded over two lines"), false;
  auto colon = line.find(':');
  auto name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name))
    return refuse("a header line is not `name: value`"), false;
  auto value = trimmed(line.substr(colon + 1));
  if (name.size() > limits_.field_name_bytes)
    return refuse(431, "headers_too_large",
                  fmt::format("the name of a header field has {} bytes, the "
                              "limit is {}",
                              name.size(), limits_.field_name_bytes)),
           false;
  if (value.size() > limits_.field_value_bytes)
    return refuse(431, "headers_too_large",
                  fmt::format("the header field {} has {} bytes, the limit is "
                              "{}",
                              name, value.size(), limits_.field_value_bytes)),
           false;
  if (is_same_word(name, "host"))
    seen.hosts.emplace_back(value);
  else if (is_same_word(name, "content-length"))
    seen.lengths.emplace_back(value);
  else if (is_same_word(name, "transfer-encoding"))
    seen.encodings.emplace_back(value);
  else if (is_same_word(name, "authorization"))
    ++seen.keys;
  else if (is_same_word(name, "x-request-id") && is_request_id(value))
    request_id_ = value;
  else if (is_same_word(name, "traceparent"))
    trace_parents_.emplace_back(value);
  else if (is_same_word(name, "tracestate"))
    trace_states_.emplace_back(value);
  else if (is_same_word(name, "expect")) {
    if (!is_same_word(value, "100-continue"))
      return refuse(417, "expectation_failed",
                    "the only expectation that is met is 100-continue"),
             false;
    wants_continue_ = is_http_1_1_;
  } else if (is_same_word(name, "content-encoding")
             && !is_same_word(value, "identity"))
    return refuse(415, "unsupported_encoding",
                  "a compressed body is not taken; send it as it is"),
           false;
  return true;
}

bool request_guard::check_framing(const framing& seen) {
  if (seen.hosts.size() > 1)
    return refuse("there are two Host fields"), false;
  if (seen.hosts.empty() && is_http_1_1_)
    return refuse("the Host field is missing"), false;
  if (!seen.hosts.empty() && !is_host(seen.hosts.front()))
    return refuse(fmt::format("the Host field is {}, which names no host",
                              quote(seen.hosts.front(), shown_bytes))),
           false;
  if (seen.keys > 1)
    return refuse("there are two Authorization fields"), false;
  if (!seen.encodings.empty()) {
    if (!seen.lengths.empty())
      return refuse("there are both Content-Length and Transfer-Encoding"),
             false;
    if (!is_http_1_1_)
      return refuse("HTTP/1.0 has no Transfer-Encoding"), false;
    if (seen.encodings.size() > 1
        || !is_same_word(seen.encodings.front(), "chunked"))
      return refuse("the only Transfer-Encoding that is taken is chunked"),
             false;
    chunks_.emplace(limits_.body_bytes, limits_.chunks);
    part_ = part::chunks;
    return true;
  }
  if (seen.lengths.size() > 1)
    return refuse("there are two Content-Length fields"), false;
  if (!seen.lengths.empty()) {
    const auto& text = seen.lengths.front();
    if (text.empty() || !std::ranges::all_of(text, is_digit))
      return refuse(fmt::format("Content-Length is {}, not a number of bytes "
                                "up to {}",
                                quote(text, shown_bytes), limits_.body_bytes)),
             false;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), missing_);
    if (error != std::errc{} || missing_ > limits_.body_bytes)
      return refuse(413, "request_too_large",
                    fmt::format("the body has {} bytes, the limit is {}",
                                text.size() > 20 ? "too many" : text,
                                limits_.body_bytes)),
             false;
  }
  part_ = missing_ > 0 ? part::body : part::complete;
  return true;
}

bool request_guard::check_target(const framing& seen) {
  if (std::ranges::any_of(target_, [](char c) { return is_control(c); }))
    return refuse("the address holds a control character"), false;
  if (target_.starts_with('/') || (target_ == "*" && method_ == "OPTIONS"))
    return true;
  // A client that takes us for a proxy: only of ourselves.
  constexpr std::string_view scheme = "http://";
  if (is_same_word(std::string_view{target_}.substr(0, scheme.size()),
                   scheme)) {
    auto host = std::string_view{target_}.substr(scheme.size());
    host = host.substr(0, host.find_first_of("/?"));
    if (!seen.hosts.empty() && is_same_word(host, seen.hosts.front()))
      return true;
    return refuse("the address names another host than the Host field"), false;
  }
  return refuse("the address does not begin with a slash"), false;
}

// -- body ---------------------------------------------------------------------

std::size_t request_guard::take_body(std::string_view bytes,
                                     std::string& approved) {
  auto taken = pass_missing(bytes, missing_, approved);
  body_bytes_ += taken;
  if (missing_ == 0)
    part_ = part::complete;
  return taken;
}

std::size_t request_guard::take_chunks(std::string_view bytes,
                                       std::string& approved) {
  auto taken = chunks_->feed(bytes, approved);
  body_bytes_ += taken;
  if (chunks_->refusal()) {
    refusal_ = chunks_->refusal();
    part_ = part::refused;
  } else if (chunks_->is_complete()) {
    part_ = part::complete;
  }
  return taken;
}

} // namespace model_server
