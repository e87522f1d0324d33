// One entity: a model on a device, as its supervisor keeps it.
#include "actors/entity.hpp"

#include "actors/device_choice.hpp"

#include <prometheus/histogram.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace model_server {

entity_status entity::status() const {
  entity_status result;
  result.device = local_device(device, node);
  result.node = node;
  result.state = is_leaving ? entity_state::leaving : state;
  result.loaded = loaded;
  result.is_exact = is_exact;
  result.running = load.running;
  result.waiting = load.waiting;
  result.tokens_per_second = load.tokens_per_second;
  result.restarts = restarts;
  result.reason = reason;
  result.cache_blocks = load.counts.cache_blocks;
  result.cache_blocks_used = load.counts.cache_blocks_used;
  result.memory_bytes = load.counts.memory_bytes;
  result.is_on_demand = is_on_demand;
  result.bytes = bytes;
  return result;
}

void entity::forget_worker() {
  worker = nullptr;
  is_down = false;
  loaded = 0;
  load = {};
  submits = 0;
  on_their_way.clear();
  read_lately = prefix_memory{};
}

void entity::sent(const prompt_trail& trail, std::uint64_t tokens) {
  ++submits;
  on_their_way.push_back(tokens);
  read_lately.read(trail);
}

void entity::take_load(const worker_load& told) {
  count_steps(told.counts);
  load = told;
  while (on_their_way.size() > submits - load.submits)
    on_their_way.pop_front();
}

// What it has counted more than when it told last. Each worker begins anew.
void entity::count_steps(const worker_counts& told) {
  const auto& before = load.counts;
  if (!figures || told.step_places <= before.step_places)
    return;
  std::vector<double> more(told.steps.size() + 1); // none are larger
  for (std::size_t i = 0; i < told.steps.size(); ++i)
    more[i] = static_cast<double>(told.steps[i] - before.steps[i]);
  figures->batch_size.ObserveMultiple(
      more, static_cast<double>(told.step_places - before.step_places));
}

std::uint64_t entity::burden(const prompt_trail& trail) const {
  auto result = load.tokens_to_do + trail.tokens();
  for (auto tokens : on_their_way)
    result += tokens;
  auto known = prompt_trail::tokens_of(read_lately.known_steps(trail));
  return result - std::min(known, trail.tokens());
}

void entity::crashed(std::string why, time_point now,
                     const serving_settings& limits) {
  auto first = limits.restart_pause;
  auto most = limits.restart_pause_most;
  auto served_well = state == entity_state::ready && now - ready_since >= most;
  auto starts_anew = pause.count() == 0 || served_well;
  pause = std::min(starts_anew ? first : pause * 2, most);
  restart_at = now + pause;
  losses.push_back(now);
  while (now - losses.front() >= limits.restart_window)
    losses.pop_front();
  auto is_too_much =
      limits.restart_limit > 0 && losses.size() > limits.restart_limit;
  state = is_too_much ? entity_state::failed : entity_state::restarting;
  reason = std::move(why);
  forget_worker();
  if (!is_too_much)
    ++restarts;
}

} // namespace model_server
