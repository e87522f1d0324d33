// Fills and empties a bucket.
#include "http/rate_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace model_server {

namespace {

constexpr double minute_ms = 60'000;

} // namespace

rate_bucket::rate_bucket(std::uint64_t per_minute, time_point now)
    : per_minute_(per_minute),
      level_(static_cast<double>(per_minute)),
      last_(now) {
  // nop
}

void rate_bucket::take(std::uint64_t amount, time_point now) {
  level_ = level(now) - static_cast<double>(amount);
  // Threads look at the clock in one order and may come here in another.
  last_ = std::max(last_, now);
}

std::uint64_t rate_bucket::left(time_point now) const {
  return static_cast<std::uint64_t>(std::max(0.0, std::floor(level(now))));
}

std::chrono::milliseconds rate_bucket::wait(time_point now) const {
  return time_to(1, now);
}

std::chrono::milliseconds rate_bucket::reset(time_point now) const {
  return time_to(static_cast<double>(per_minute_), now);
}

double rate_bucket::level(time_point now) const {
  std::chrono::duration<double, std::milli> passed =
      std::max(now - last_, time_point::duration{0});
  auto full = static_cast<double>(per_minute_);
  return std::min(full, level_ + passed.count() * full / minute_ms);
}

std::chrono::milliseconds rate_bucket::time_to(double wanted,
                                               time_point now) const {
  // Fractions of a millisecond are lost on the way, hence the slack.
  constexpr double slack = 1e-6;
  auto missing = wanted - level(now) - slack;
  if (per_minute_ == 0 || missing <= 0)
    return std::chrono::milliseconds{0};
  auto pause =
      std::ceil(missing * minute_ms / static_cast<double>(per_minute_));
  return std::chrono::milliseconds{static_cast<std::int64_t>(pause)};
}

} // namespace model_server
