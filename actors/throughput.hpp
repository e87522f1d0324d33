// How fast a worker makes tokens, and when a full queue will have room.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace model_server {

/// Tokens per second of a worker and tokens per reply, both as exponential
/// averages that forget within a few seconds or replies. Time stands still
/// while nothing runs.
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
    return tokens_per_second_;
  }

  /// Seconds until `waiting` replies of average length are done, at least 1, at
  /// most 3600.
  std::uint32_t seconds_for(std::size_t waiting) const;

private:
  time_point since_{};
  bool running_ = false;
  std::size_t unmeasured_ = 0;
  double tokens_per_second_ = 0;
  double tokens_per_reply_ = 0;
};

} // namespace model_server
