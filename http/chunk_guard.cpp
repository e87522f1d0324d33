// Reads chunks more strictly than any parser does.
#include "http/chunk_guard.hpp"

#include "config/quote.hpp"
#include "http/http_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace model_server {

namespace {

/// The longest size line: the digits and an extension.
constexpr std::size_t size_line_bytes = 256;

/// Enough for every 64-bit number.
constexpr std::size_t size_digits = 16;

} // namespace

chunk_guard::chunk_guard(std::uint64_t max_body_bytes, std::size_t max_chunks)
    : max_body_bytes_(max_body_bytes), max_chunks_(max_chunks) {
  // nop
}

std::size_t chunk_guard::feed(std::string_view bytes, std::string& approved) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !is_complete() && !refusal_) {
    auto rest = bytes.substr(taken);
    taken += part_ == part::data ? take_data(rest, approved)
                                 : take_line(rest, approved);
  }
  return taken;
}

std::size_t pass_missing(std::string_view bytes, std::uint64_t& missing,
                         std::string& approved) {
  auto taken =
      static_cast<std::size_t>(std::min<std::uint64_t>(missing, bytes.size()));
  approved.append(bytes.substr(0, taken));
  missing -= taken;
  return taken;
}

std::size_t chunk_guard::take_data(std::string_view bytes,
                                   std::string& approved) {
  auto taken = pass_missing(bytes, missing_, approved);
  if (missing_ == 0)
    part_ = part::data_end;
  return taken;
}

std::size_t chunk_guard::take_line(std::string_view bytes,
                                   std::string& approved) {
  std::size_t taken = 0;
  for (auto c : bytes) {
    ++taken;
    auto after_return = line_.ends_with('\r');
    if ((c == '\n') != after_return)
      return refuse("a line of a chunked body does not end with CR LF"), taken;
    if (is_control(c) && c != '\r' && c != '\n' && c != '\t')
      return refuse("a chunk's size line holds a control character"), taken;
    if (part_ == part::data_end && line_.empty() && c != '\r')
      return refuse("a chunk is longer than its size"), taken;
    if (part_ == part::last_line && line_.empty() && c != '\r')
      return refuse("fields after the body are not taken"), taken;
    line_ += c;
    if (line_.size() > size_line_bytes)
      return refuse(fmt::format("a chunk's size line is longer than {} bytes",
                                size_line_bytes)),
             taken;
    if (c == '\n') {
      end_line();
      if (!refusal_)
        approved += line_;
      line_.clear();
      return taken;
    }
  }
  return taken;
}

void chunk_guard::end_line() {
  if (part_ == part::size_line)
    end_size_line();
  else
    part_ = part_ == part::data_end ? part::size_line : part::complete;
}

void chunk_guard::end_size_line() {
  auto line = std::string_view{line_}.substr(0, line_.size() - 2);
  auto digits = line.substr(0, line.find(';'));
  if (digits.empty() || digits.size() > size_digits
      || !std::ranges::all_of(digits, is_hex_digit))
    return refuse(fmt::format("a chunk's size is {}, not a hexadecimal number "
                              "of 1 to {} digits",
                              quote(digits, size_line_bytes), size_digits));
  std::from_chars(digits.data(), digits.data() + digits.size(), missing_, 16);
  if (missing_ == 0) {
    part_ = part::last_line;
    return;
  }
  if (missing_ > max_body_bytes_ - body_bytes_)
    return refuse_size(
        fmt::format("the body has more than {} bytes", max_body_bytes_));
  if (++chunks_ > max_chunks_)
    return refuse_size(
        fmt::format("the body has more than {} chunks", max_chunks_));
  body_bytes_ += missing_;
  part_ = part::data;
}

void chunk_guard::refuse(std::string message) {
  refusal_ = bad_request("bad_http", std::move(message));
}

void chunk_guard::refuse_size(std::string message) {
  refusal_ = error_reply{.status = 413,
                         .code = "request_too_large",
                         .message = std::move(message)};
}

} // namespace model_server
