// Unloads a model that nobody needs, by time or for another one.
#include "actors/supervisor_parts.hpp"

#include "config/logging.hpp"

#include <utility>
#include <vector>

namespace model_server {

namespace {

void unload_entity(supervisor_pointer self, entity& item,
                   std::string_view reason) {
  const auto& state = self->state;
  log_event(log_level::info, "unloading",
            {{"model", state.options.model.name},
             {"device", item.device},
             {"reason", reason}});
  finish(self, item, state.removed_last());
}

} // namespace

void watch_idle(supervisor_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  state.idle.see(state.is_idle(), now);
  auto keep_alive = state.shortest_keep_alive();
  if (keep_alive == for_ever)
    return;
  if (!state.idle.is_over(now, keep_alive)) {
    if (auto pause = state.idle.next_look(now, keep_alive))
      self->delayed_send(self, *pause, idle_atom::value);
    return;
  }
  for (auto& item : state.entities)
    if (item.is_idle() && state.keep_alive_of(item) == keep_alive)
      unload_entity(self, item, "keep_alive");
  state.idle.see(state.is_idle(), now);
}

caf::result<bool> unload(supervisor_pointer self) {
  auto& state = self->state;
  if (!state.is_idle())
    return false;
  auto found = false;
  for (auto& item : state.entities)
    if (item.is_on_demand && item.is_idle()) {
      found = true;
      unload_entity(self, item, "memory");
    }
  if (!found)
    return false;
  auto promise = self->make_response_promise<bool>();
  state.unloads.push_back(promise);
  look_again(self);
  return promise;
}

void answer_unloads(supervisor_pointer self) {
  auto& state = self->state;
  if (state.is_settled())
    for (auto& promise : std::exchange(state.unloads, {}))
      promise.deliver(true);
}

} // namespace model_server
