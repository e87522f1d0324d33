// Plays through who would have to go.
#include "actors/eviction.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace model_server {

std::string memory_of(std::string_view device) {
  auto slash = device.find('/');
  auto name = slash == device.npos ? 0 : slash + 1;
  if (device.substr(name).starts_with("virtual:"))
    return std::string{device.substr(0, name)} + "cpu";
  return std::string{device};
}

std::variant<room_plan, no_room>
plan_room(std::uint64_t bytes, const std::vector<room_candidate>& candidates,
          std::vector<idle_model> idle) {
  std::erase_if(idle, [](const auto& item) { return item.bytes == 0; });
  std::ranges::stable_sort(idle, std::greater{},
                           &idle_model::idle_milliseconds);
  std::vector<std::uint64_t> given_back(candidates.size());
  std::vector<std::vector<std::string>> evicted(candidates.size());
  auto room_on = [&](std::size_t i) {
    return candidates[i].free_bytes + given_back[i];
  };
  auto roomiest = [&] {
    std::size_t best = 0;
    for (std::size_t i = 1; i < candidates.size(); ++i)
      if (room_on(i) > room_on(best))
        best = i;
    return best;
  };
  auto best = roomiest();
  for (auto next = idle.begin(); room_on(best) < bytes; ++next) {
    if (next == idle.end())
      return no_room{candidates[best].device, candidates[best].free_bytes,
                     given_back[best]};
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (memory_of(candidates[i].device) == memory_of(next->device)) {
        given_back[i] += next->bytes;
        evicted[i].push_back(next->name);
      }
    best = roomiest();
  }
  return room_plan{candidates[best].device, std::move(evicted[best])};
}

} // namespace model_server
