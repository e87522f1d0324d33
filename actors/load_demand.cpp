// Calls that wait until their model has been loaded for them.
#include "actors/load_demand.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace model_server {

void load_demand::add(waiting_call call) {
  calls_.push_back(std::move(call));
}

waiting_call load_demand::take_first() {
  auto result = std::move(calls_.front());
  calls_.pop_front();
  return result;
}

std::vector<waiting_call> load_demand::take_late(time_point now) {
  std::vector<waiting_call> result;
  while (!calls_.empty() && calls_.front().until <= now)
    result.push_back(take_first());
  return result;
}

std::vector<waiting_call> load_demand::take_all() {
  std::vector<waiting_call> result{std::make_move_iterator(calls_.begin()),
                                   std::make_move_iterator(calls_.end())};
  calls_.clear();
  return result;
}

void load_demand::drop(const caf::actor_addr& client) {
  std::erase_if(calls_,
                [&](const auto& call) { return call.client == client; });
}

void load_demand::load_failed(failure why, time_point now,
                              const serving_settings& limits) {
  last_failure_ = std::move(why);
  pause_ =
      std::clamp(2 * pause_, limits.restart_pause,
                 std::max(limits.restart_pause, limits.restart_pause_most));
  next_load_ = now + pause_;
}

void load_demand::load_succeeded() {
  pause_ = {};
  next_load_ = {};
}

std::optional<failure> load_demand::why_not(time_point now) const {
  using std::chrono::ceil;
  using std::chrono::seconds;
  if (now >= next_load_)
    return std::nullopt;
  auto result = last_failure_;
  result.retry_after =
      static_cast<std::uint32_t>(ceil<seconds>(next_load_ - now).count());
  return result;
}

} // namespace model_server
