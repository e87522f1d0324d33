// Loads the model when a call needs it, and keeps calls waiting meanwhile.
#include "actors/supervisor_parts.hpp"

#include "config/logging.hpp"
#include "config/option_values.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

namespace {

void stop_waiting(supervisor_pointer self, const waiting_call& call) {
  if (call.client)
    self->demonitor(call.client);
}

void refuse(supervisor_pointer self, waiting_call& call, const failure& why) {
  stop_waiting(self, call);
  call.refuse(to_error(why));
}

void schedule_refusal(supervisor_pointer self) {
  auto& state = self->state;
  if (state.demand.empty() || std::exchange(state.late_is_due, true))
    return;
  self->delayed_send(self, state.demand.first_deadline() - self->clock().now(),
                     late_atom::value);
}

void load_on(supervisor_pointer self, const std::string& device) {
  auto& state = self->state;
  auto& item = put(self, device);
  item.is_on_demand = true;
  log_event(log_level::info, "loading_on_demand",
            {{"model", state.options.model.name},
             {"device", device},
             {"calls", state.demand.size()}});
  self->delayed_send(self, state.options.serving.load_timeout,
                     stuck_atom::value, item.incarnation);
}

void ask_for_room(supervisor_pointer self) {
  auto& state = self->state;
  make_room order;
  order.model = state.options.model.name;
  if (state.options.estimate_memory)
    order.bytes = state.options.estimate_memory(*state.setting);
  for (const auto& device : state.devices())
    order.devices.push_back(
        {device.name, device.is_accelerator, device.free_bytes});
  state.asks_for_room = true;
  self->request(state.memory, caf::infinite, std::move(order))
      .then(
          [=](const room& found) {
            self->state.asks_for_room = false;
            auto& now = self->state;
            if (!now.demand.empty() && now.staying() == 0 && !now.is_retired)
              load_on(self, found.device);
            look_again(self);
          },
          [=](const caf::error& reason) {
            self->state.asks_for_room = false;
            refuse_demand(self, is_failure(reason) ? to_failure(reason)
                                                   : self->state.has_failed());
            look_again(self);
          });
}

} // namespace

std::optional<failure> refuse_to_wait(supervisor_pointer self) {
  const auto& state = self->state;
  if (state.staying() == 0) {
    if (state.has_failed_entity())
      return state.no_worker(self->clock().now());
    if (auto why = state.demand.why_not(self->clock().now()))
      return why;
  }
  if (state.demand.size() >= state.options.serving.max_queued)
    return state.too_many_wait();
  return std::nullopt;
}

void wait_for_load(supervisor_pointer self, waiting_call call,
                   const caf::actor& client) {
  auto& state = self->state;
  if (client) {
    self->monitor(client);
    call.client = client.address();
  }
  call.until = self->clock().now() + state.options.serving.load_timeout;
  state.demand.add(std::move(call));
  schedule_refusal(self);
  look_again(self);
}

void serve_demand(supervisor_pointer self) {
  auto& state = self->state;
  while (!state.demand.empty() && !state.serves_nothing()) {
    auto call = state.demand.take_first();
    stop_waiting(self, call);
    if (!call.go_on())
      call.refuse(to_error(state.no_worker(self->clock().now())));
  }
  if (state.demand.empty() || state.staying() > 0 || state.asks_for_room)
    return;
  if (state.has_failed_entity())
    return refuse_demand(self, state.not_active());
  if (state.memory && state.is_settled())
    ask_for_room(self);
}

void refuse_demand(supervisor_pointer self, const failure& why) {
  for (auto& call : self->state.demand.take_all())
    refuse(self, call, why);
}

void refuse_late(supervisor_pointer self) {
  auto& state = self->state;
  state.late_is_due = false;
  for (auto& call : state.demand.take_late(self->clock().now()))
    refuse(self, call, state.waited_too_long());
  schedule_refusal(self);
}

void load_has_failed(supervisor_pointer self, const failure& why) {
  auto& state = self->state;
  state.demand.load_failed(why, self->clock().now(), state.options.serving);
  refuse_demand(self, why);
}

void give_up_load(supervisor_pointer self, std::uint64_t incarnation) {
  auto& state = self->state;
  auto* item = state.of_incarnation(incarnation);
  if (!item || item->state != entity_state::loading || item->has_served)
    return;
  auto limit = show_duration(state.options.serving.load_timeout);
  on_end(self, {incarnation,
                {errc::load_failed,
                 fmt::format("it was not ready within the limit of {}", limit),
                 "", 0},
                {}});
}

} // namespace model_server
