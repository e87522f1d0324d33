// Adds and removes entities.
#include "actors/supervisor_parts.hpp"

#include "actors/device_choice.hpp"
#include "config/logging.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

// How much longer than the drain limit the last worker may take to say that
// its replies have ended; a model that hangs in a step never says so.
constexpr auto finish_grace = std::chrono::seconds{5};

// Takes the entity out at once; its replies are told to go on elsewhere.
caf::result<device_report> move_replies(supervisor_pointer self, entity& item) {
  auto& state = self->state;
  auto incarnation = item.incarnation;
  auto place = std::ranges::find_if(
      state.entities, [&](const auto& other) { return &other == &item; });
  state.departing.splice(state.departing.end(), state.entities, place);
  auto& removed = state.departing.back();
  removed.asked = self->make_response_promise<device_report>();
  auto promise = removed.asked;
  self->request(removed.worker, state.options.serving.drain_timeout,
                hand_over_atom::value)
      .then(
          [=](std::uint32_t count) {
            finish_departure(self, incarnation, count);
          },
          [=](const caf::error&) {
            finish_departure(self, incarnation, std::nullopt);
          });
  return promise;
}

// The last one that serves: its replies have nowhere to go, so they may finish
// first.
caf::result<device_report> finish_replies(supervisor_pointer self,
                                          entity& item) {
  auto limit = self->state.options.serving.drain_timeout;
  auto incarnation = item.incarnation;
  item.is_leaving = true;
  item.asked = self->make_response_promise<device_report>();
  auto leave = [=](bool hangs) {
    auto* found = self->state.of_incarnation(incarnation);
    if (!found)
      return;
    if (hangs)
      abandon(self, *found);
    else
      dismiss(self, *found);
    answer(*found);
    erase(self, *found);
  };
  self->delayed_send(self, limit, tick_atom::value, incarnation);
  self->request(item.worker, limit + finish_grace, finish_atom::value)
      .then([=](caf::ok_atom) { leave(false); },
            [=](const caf::error&) { leave(true); });
  return item.asked;
}

} // namespace

void finish_departure(supervisor_pointer self, std::uint64_t incarnation,
                      std::optional<std::uint32_t> moved_replies) {
  auto& departing = self->state.departing;
  auto found = std::ranges::find(departing, incarnation, &entity::incarnation);
  if (found == departing.end())
    return;
  auto report = report_of(*found);
  report.moved_replies = moved_replies.value_or(0);
  found->asked.deliver(report);
  if (moved_replies)
    dismiss(self, *found);
  else
    abandon(self, *found);
  departing.erase(found);
}

caf::result<device_report> add(supervisor_pointer self,
                               const std::string& wanted, bool wait) {
  auto& state = self->state;
  device_choice choice{wanted,
                       state.devices(),
                       {},
                       state.options.model.name,
                       state.options.node_name};
  for (const auto& item : state.entities)
    if (item.state != entity_state::failed)
      choice.in_use.push_back(item.device);
  auto chosen = choose_device(choice);
  if (auto* refused = std::get_if<failure>(&chosen))
    return to_error(*refused);
  auto device = std::get<std::string>(std::move(chosen));
  // One that was given up is tried again from the beginning.
  state.entities.remove_if(
      [&](const entity& item) { return item.device == device; });
  auto& item = state.entities.emplace_back();
  item.node = node_of_device(device, state.options.node_name);
  item.device = std::move(device);
  restart(self, item);
  if (!wait)
    return report_of(item);
  item.asked = self->make_response_promise<device_report>();
  return item.asked;
}

caf::result<device_report> activate(supervisor_pointer self,
                                    const activate_model& order) {
  auto& entities = self->state.entities;
  auto active = std::ranges::find_if(entities, [](const auto& item) {
    return !item.is_leaving && item.state != entity_state::failed;
  });
  if (active == entities.end())
    return add(self, order.device, true);
  auto result = report_of(*active);
  result.unchanged = true;
  return result;
}

caf::result<device_report> remove(supervisor_pointer self,
                                  const remove_device& order) {
  auto& state = self->state;
  if (!state.to_remove(""))
    return to_error(state.not_active());
  auto* item =
      state.to_remove(local_device(order.device, state.options.node_name));
  if (!item)
    return to_error(state.nothing_on(order.device));
  log_event(log_level::info, "device_removed",
            {{"model", state.options.model.name}, {"device", item->device}});
  if (item->state == entity_state::ready)
    return state.has_other_than(*item) ? move_replies(self, *item)
                                       : finish_replies(self, *item);
  // Nothing runs there: whoever waits for it to be ready waits in vain.
  answer(*item, to_error(state.removed_early(item->device)));
  auto report = report_of(*item);
  dismiss(self, *item);
  erase(self, *item);
  return report;
}

} // namespace model_server
