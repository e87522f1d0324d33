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
void move_replies(supervisor_pointer self, entity& item) {
  auto& state = self->state;
  auto incarnation = item.incarnation;
  auto place = std::ranges::find_if(
      state.entities, [&](const auto& other) { return &other == &item; });
  state.departing.splice(state.departing.end(), state.entities, place);
  self->request(item.worker, state.options.serving.drain_timeout,
                hand_over_atom::value)
      .then(
          [=](std::uint32_t count) {
            finish_departure(self, incarnation, count);
          },
          [=](const caf::error&) {
            finish_departure(self, incarnation, std::nullopt);
          });
}

} // namespace

void take_away(supervisor_pointer self, entity& item, failure last_word) {
  if (self->state.has_other_than(item))
    move_replies(self, item);
  else
    finish(self, item, std::move(last_word));
}

void finish(supervisor_pointer self, entity& item, failure last_word) {
  auto limit = self->state.options.serving.drain_timeout;
  auto incarnation = item.incarnation;
  item.is_leaving = true;
  item.last_word = std::move(last_word);
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
    look_again(self);
  };
  self->delayed_send(self, limit, tick_atom::value, incarnation);
  self->request(item.worker, limit + finish_grace, finish_atom::value)
      .then([=](caf::ok_atom) { leave(false); },
            [=](const caf::error&) { leave(true); });
}

void finish_departure(supervisor_pointer self, std::uint64_t incarnation,
                      std::optional<std::uint32_t> moved_replies) {
  auto& departing = self->state.departing;
  auto found = std::ranges::find(departing, incarnation, &entity::incarnation);
  if (found == departing.end())
    return;
  auto report = report_of(*found);
  report.moved_replies = moved_replies.value_or(0);
  if (found->asked.pending())
    found->asked.deliver(report);
  if (moved_replies)
    dismiss(self, *found);
  else
    abandon(self, *found);
  departing.erase(found);
  look_again(self);
}

entity& put(supervisor_pointer self, std::string device) {
  auto& state = self->state;
  auto& item = state.entities.emplace_back();
  item.node = node_of_device(device, state.options.node_name);
  item.device = std::move(device);
  item.setting = state.setting;
  item.setting_number = state.setting_number;
  restart(self, item);
  return item;
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
  auto& item = put(self, std::move(device));
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
  active->is_on_demand = false; // whoever asks for it wants it to stay
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
  // One that would take another's place goes with it.
  auto* old = item->replaces ? state.of_incarnation(item->replaces) : nullptr;
  if (old) {
    dismiss(self, *item);
    erase(self, *item);
    item = old;
  }
  if (item->state == entity_state::ready) {
    auto promise = self->make_response_promise<device_report>();
    item->asked = promise;
    take_away(self, *item, state.removed_last());
    return promise;
  }
  // Nothing runs there: whoever waits for it to be ready waits in vain.
  auto why = state.removed_early(item->device);
  answer(*item, to_error(why));
  auto report = report_of(*item);
  dismiss(self, *item);
  erase(self, *item);
  if (state.staying() == 0)
    refuse_demand(self, why);
  look_again(self);
  return report;
}

} // namespace model_server
