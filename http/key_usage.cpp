// Counts requests and tokens of one key.
#include "http/key_usage.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

namespace {

error_reply too_much(std::string message, std::chrono::milliseconds wait) {
  auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return {.status = 429,
          .code = "rate_limit_exceeded",
          .message = fmt::format("{}; try again in {} s", message, seconds),
          .retry_after = static_cast<std::uint32_t>(seconds)};
}

void add_headers(http_headers& to, std::string_view what,
                 const rate_bucket& bucket, rate_bucket::time_point now) {
  if (bucket.per_minute() == 0)
    return;
  auto add = [&](std::string_view fact, std::string value) {
    to.emplace_back(fmt::format("x-ratelimit-{}-{}", fact, what),
                    std::move(value));
  };
  add("limit", std::to_string(bucket.per_minute()));
  add("remaining", std::to_string(bucket.left(now)));
  add("reset", reset_text(bucket.reset(now)));
}

} // namespace

key_usage::key_usage(std::string name, const key_limits& limits, time_point now)
    : name_(std::move(name)),
      limits_(limits),
      requests_(limits.requests_per_minute, now),
      tokens_(limits.tokens_per_minute, now) {
  // nop
}

void key_usage::set_limits(const key_limits& limits, time_point now) {
  std::lock_guard guard{lock_};
  if (limits.requests_per_minute != limits_.requests_per_minute)
    requests_ = {limits.requests_per_minute, now};
  if (limits.tokens_per_minute != limits_.tokens_per_minute)
    tokens_ = {limits.tokens_per_minute, now};
  limits_ = limits;
}

std::optional<error_reply> key_usage::begin_request(time_point now) {
  std::lock_guard guard{lock_};
  if (auto wait = requests_.wait(now); wait.count() > 0)
    return too_much(fmt::format("the key {} may make {} requests a minute",
                                name_, limits_.requests_per_minute),
                    wait);
  if (auto wait = tokens_.wait(now); wait.count() > 0)
    return too_much(fmt::format("the key {} may use {} tokens a minute", name_,
                                limits_.tokens_per_minute),
                    wait);
  if (limits_.parallel > 0 && in_progress_ >= limits_.parallel)
    return too_much(
        fmt::format("the key {} has as many requests in progress as it may: {}",
                    name_, limits_.parallel),
        std::chrono::seconds{1});
  requests_.take(1, now);
  ++in_progress_;
  return std::nullopt;
}

void key_usage::end_request() {
  std::lock_guard guard{lock_};
  --in_progress_;
}

void key_usage::charge(std::uint64_t tokens, time_point now) {
  std::lock_guard guard{lock_};
  tokens_.take(tokens, now);
}

http_headers key_usage::headers(time_point now) const {
  std::lock_guard guard{lock_};
  http_headers result;
  add_headers(result, "requests", requests_, now);
  add_headers(result, "tokens", tokens_, now);
  return result;
}

std::string reset_text(std::chrono::milliseconds span) {
  if (span < std::chrono::seconds{1})
    return fmt::format("{}ms", span.count());
  auto seconds = std::chrono::ceil<std::chrono::seconds>(span).count();
  if (seconds < 60)
    return fmt::format("{}s", seconds);
  auto minutes = seconds / 60;
  if (minutes < 60)
    return fmt::format("{}m{}s", minutes, seconds % 60);
  return fmt::format("{}h{}m{}s", minutes / 60, minutes % 60, seconds % 60);
}

} // namespace model_server
