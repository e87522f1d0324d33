// Calls that wait until their model has been loaded for them. Pure.
#pragma once

#include "actors/errors.hpp"
#include "config/settings.hpp"

#include <caf/actor_addr.hpp>
#include <caf/error.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// A call in the queue. One of its two functions is called, once.
struct waiting_call {
  using time_point = std::chrono::steady_clock::time_point;

  /// Whose end takes it out of the queue; null if nobody looks.
  caf::actor_addr client;
  time_point until{};
  /// Sends it to a worker; false if none takes it.
  std::function<bool()> go_on;
  std::function<void(const caf::error&)> refuse;
};

/// The queue, and what became of the last load that it asked for.
class load_demand {
public:
  using time_point = waiting_call::time_point;

  bool empty() const {
    return calls_.empty();
  }

  std::size_t size() const {
    return calls_.size();
  }

  /// When the first one has waited long enough. There is one.
  time_point first_deadline() const {
    return calls_.front().until;
  }

  /// Each call waits as long as the one before it.
  void add(waiting_call call);

  /// There is one.
  waiting_call take_first();

  /// Those that have waited long enough.
  std::vector<waiting_call> take_late(time_point now);

  std::vector<waiting_call> take_all();

  /// Takes those of a client out that has gone.
  void drop(const caf::actor_addr& client);

  /// A load has failed: for a while, twice as long as after the one before,
  /// there is no other.
  void load_failed(failure why, time_point now, const serving_settings& limits);

  void load_succeeded();

  /// Why there is no load now, for this is after one that failed; else nothing.
  std::optional<failure> why_not(time_point now) const;

private:
  std::deque<waiting_call> calls_;
  failure last_failure_;
  std::chrono::milliseconds pause_{0};
  time_point next_load_{};
};

} // namespace model_server
