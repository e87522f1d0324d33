// How fast a worker makes tokens, and when a full queue will have room.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace model_server {

/// Tokens per second of a worker, over the last few seconds of work, and tokens
/// per reply, over the last few replies. Time stands still while nothing runs.
class throughput {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Work begins or goes on; a no-op while it is going on.
  void resume(time_point now);

  /// Nothing runs any more.
  void pause();

  /// A step has made this many tokens.
  void made(std::size_t tokens, time_point now);

  /// A reply has ended with this many tokens.
  void ended(std::size_t tokens);

  /// 0 before the first measure.
  double tokens_per_second() const {
    return seconds_ > 0 ? tokens_ / seconds_ : 0;
  }

  /// Seconds until `waiting` replies of average length are done, at least 1, at
  /// most 3600.
  std::uint32_t seconds_for(std::size_t waiting) const;

private:
  time_point since_{};
  bool running_ = false;
  // Sums that fade: a short step counts for no more than its time.
  double tokens_ = 0;
  double seconds_ = 0;
  double tokens_per_reply_ = 0;
};

} // namespace model_server
