// A limit per minute. Pure: the time is passed in.
#pragma once

#include <chrono>
#include <cstdint>

namespace model_server {

/// A token bucket: holds what may be used at once, at most what a minute
/// allows, and fills at an even pace. What was not foreseen may overdraw it;
/// then there is nothing until it has filled again.
class rate_bucket {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Full. Without a limit (0) there is always enough.
  rate_bucket(std::uint64_t per_minute, time_point now);

  std::uint64_t per_minute() const {
    return per_minute_;
  }

  void take(std::uint64_t amount, time_point now);

  /// What is left, in whole.
  std::uint64_t left(time_point now) const;

  /// How long until there is one; zero if there is.
  std::chrono::milliseconds wait(time_point now) const;

  /// How long until it is full.
  std::chrono::milliseconds reset(time_point now) const;

private:
  double level(time_point now) const;
  std::chrono::milliseconds time_to(double wanted, time_point now) const;

  std::uint64_t per_minute_;
  double level_;
  time_point last_;
};

} // namespace model_server
