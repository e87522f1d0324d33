// What is asked for with one key, and when that is too much.
#pragma once

#include "config/api_keys.hpp"
#include "http/error_reply.hpp"
#include "http/exchange.hpp"
#include "http/rate_bucket.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace model_server {

/// Holds one key to its limits. Calls may overlap.
class key_usage {
public:
  using time_point = rate_bucket::time_point;

  key_usage(std::string name, const key_limits& limits, time_point now);

  const std::string& name() const {
    return name_;
  }

  /// Limits that have changed begin anew, with full buckets.
  void set_limits(const key_limits& limits, time_point now);

  /// Counts a request in, which then must be counted out; or refuses it.
  std::optional<error_reply> begin_request(time_point now);
  void end_request();

  /// Tokens that a request has used, whether or not they were left.
  void charge(std::uint64_t tokens, time_point now);

  /// How much is left, as OpenAI's clients read it: `x-ratelimit-...`.
  http_headers headers(time_point now) const;

private:
  const std::string name_;
  mutable std::mutex lock_;
  key_limits limits_;
  rate_bucket requests_;
  rate_bucket tokens_;
  std::uint64_t in_progress_ = 0;
};

/// A span of time as OpenAI writes it: `120ms`, `8s`, `6m0s`.
std::string reset_text(std::chrono::milliseconds span);

} // namespace model_server
