// How long a model has been without work, and when to look again. Pure.
#pragma once

#include <chrono>
#include <optional>

namespace model_server {

/// Counts from the end of the last work.
class idle_watch {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::milliseconds;

  /// To be told whenever that may have changed.
  void see(bool is_idle, time_point now) {
    if (!is_idle)
      since_.reset();
    else if (!since_)
      since_ = now;
  }

  /// Nothing while there is work.
  std::optional<duration> idle_for(time_point now) const {
    if (!since_)
      return std::nullopt;
    return std::chrono::duration_cast<duration>(now - *since_);
  }

  /// It has been idle for as long as `keep_alive`.
  bool is_over(time_point now, duration keep_alive) const {
    return since_ && now - *since_ >= keep_alive;
  }

  /// After what time to look whether it is over; nothing if somebody looks
  /// before that anyway, or if there is work.
  std::optional<time_point::duration> next_look(time_point now,
                                                duration keep_alive) {
    if (!since_)
      return std::nullopt;
    auto due = *since_ + keep_alive;
    if (look_ && *look_ >= now && *look_ <= due)
      return std::nullopt;
    look_ = due;
    return due - now;
  }

  /// Somebody looks.
  void looked(time_point now) {
    if (look_ && *look_ <= now)
      look_.reset();
  }

private:
  std::optional<time_point> since_;
  std::optional<time_point> look_;
};

} // namespace model_server
