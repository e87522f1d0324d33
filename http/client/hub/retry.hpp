// Trying again, after pauses.
#pragma once

#include "http/client/http_exchange.hpp"

#include <functional>
#include <string>

namespace model_server {

/// Counts attempts that brought nothing.
class retry_counter {
public:
  /// `tell` is told each time what went wrong and how it goes on.
  retry_counter(unsigned most, const interrupt_watch& watch,
                std::function<void(const std::string&)> tell);

  /// Waits before the next attempt; `head` is the answer's, if there was one.
  /// Throws `std::runtime_error` with the reason when there have been too many,
  /// and `interrupted`.
  void pause(const std::string& why, const http_head& head);

  /// Something was brought.
  void reset() {
    failures_ = 0;
  }

private:
  unsigned most_;
  const interrupt_watch& watch_;
  std::function<void(const std::string&)> tell_;
  unsigned failures_ = 0;
};

} // namespace model_server
