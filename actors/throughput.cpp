// How fast a worker makes tokens, and when a full queue will have room.
#include "actors/throughput.hpp"

#include <algorithm>
#include <cmath>

namespace model_server {

namespace {

// The sums keep 1/e of their past after this many seconds of work.
constexpr double memory_seconds = 2.0;
// Of the tokens per reply, each new reply counts for this much.
constexpr double reply_weight = 0.2;

} // namespace

void throughput::resume(time_point now) {
  if (running_)
    return;
  running_ = true;
  since_ = now;
}

void throughput::pause() {
  running_ = false;
}

void throughput::made(std::size_t tokens, time_point now) {
  auto seconds = std::chrono::duration<double>(now - since_).count();
  auto kept = std::exp(-seconds / memory_seconds);
  tokens_ = kept * tokens_ + static_cast<double>(tokens);
  seconds_ = kept * seconds_ + seconds;
  since_ = now;
}

void throughput::ended(std::size_t tokens) {
  auto count = static_cast<double>(tokens);
  auto weight = tokens_per_reply_ > 0 ? reply_weight : 1.0;
  tokens_per_reply_ += weight * (count - tokens_per_reply_);
}

std::uint32_t throughput::seconds_for(std::size_t waiting) const {
  if (tokens_per_second() <= 0)
    return 1;
  auto seconds = std::ceil(static_cast<double>(waiting) * tokens_per_reply_
                           / tokens_per_second());
  return static_cast<std::uint32_t>(std::clamp(seconds, 1.0, 3600.0));
}

} // namespace model_server
