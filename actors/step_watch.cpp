// When a step has taken so long that it hangs.
#include "actors/step_watch.hpp"

#include <algorithm>

namespace model_server {

namespace {

using std::chrono::milliseconds;

constexpr int usual_steps = 20;
constexpr int first_steps = 10;
// What a page says of its steps may be anything.
constexpr std::chrono::hours longest_usual{24};
constexpr milliseconds shortest_interval{10};
constexpr milliseconds longest_interval{1'000};

} // namespace

std::chrono::nanoseconds usual_time(const recent_times& unit_times,
                                    std::size_t work) {
  if (unit_times.count() == 0)
    return {};
  std::chrono::duration<double> usual{unit_times.median()
                                      * static_cast<double>(work)};
  return std::chrono::duration_cast<std::chrono::nanoseconds>(usual);
}

milliseconds longest_step(std::chrono::nanoseconds usual,
                          milliseconds timeout) {
  if (usual.count() <= 0)
    return first_steps * timeout;
  auto usual_time =
      usual_steps * std::min<std::chrono::nanoseconds>(usual, longest_usual);
  return std::max(timeout, std::chrono::ceil<milliseconds>(usual_time));
}

milliseconds watch_interval(milliseconds timeout) {
  return std::clamp(timeout / 4, shortest_interval, longest_interval);
}

} // namespace model_server
