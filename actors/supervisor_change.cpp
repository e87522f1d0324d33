// Takes up a new setting of the model, or its removal.
#include "actors/supervisor_parts.hpp"

#include "config/logging.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

failure is_back() {
  return {errc::device_in_use, "the model is in the configuration again", "",
          0};
}

// Nothing is lost by it: it serves nobody now.
bool may_start_anew(const entity& item) {
  return item.state == entity_state::restarting
         || item.state == entity_state::failed
         || (item.state == entity_state::loading && !item.has_served);
}

void start_anew(supervisor_pointer self, entity& item) {
  dismiss(self, item);
  item.setting = self->state.setting;
  item.setting_number = self->state.setting_number;
  item.has_served = false;
  item.losses.clear();
  item.reason.clear();
  restart(self, item);
}

} // namespace

std::uint64_t new_setting_number(supervisor_pointer self) {
  auto now = self->clock().now().time_since_epoch().count();
  return std::max(self->state.setting_number + 1,
                  static_cast<std::uint64_t>(now));
}

void change(supervisor_pointer self, const model_setting& wanted) {
  auto& state = self->state;
  state.is_retired = false;
  if (state.retired.pending())
    state.retired.deliver(to_error(is_back()));
  auto has_same_worker = have_same_worker(*state.setting, wanted);
  state.setting = std::make_shared<const model_setting>(wanted);
  if (!has_same_worker) {
    state.setting_number = new_setting_number(self);
    state.change_has_failed = false;
    for (auto& item : state.entities)
      if (!item.is_leaving && may_start_anew(item))
        start_anew(self, item);
  }
  look_again(self);
}

void replace_workers(supervisor_pointer self) {
  auto& state = self->state;
  auto is_under_way = [](const entity& item) {
    return item.replaces != 0 || item.is_leaving;
  };
  if (state.change_has_failed || state.is_retired
      || std::ranges::any_of(state.entities, is_under_way))
    return;
  auto is_old = [&](const entity& item) {
    return item.can_serve() && item.setting_number != state.setting_number;
  };
  auto old = std::ranges::find_if(state.entities, is_old);
  if (old == state.entities.end())
    return;
  // The next call loads it as it is set now.
  if (old->is_on_demand && old->is_idle())
    return finish(self, *old, state.was_changed());
  auto& successor = put(self, old->device);
  successor.is_on_demand = old->is_on_demand;
  successor.replaces = old->incarnation;
}

void take_over(supervisor_pointer self, entity& successor) {
  auto* old = self->state.of_incarnation(std::exchange(successor.replaces, 0));
  if (!old || old->is_leaving)
    return;
  log_event(log_level::info, "worker_replaced",
            {{"model", self->state.options.model.name},
             {"device", successor.device},
             {"incarnation", old->incarnation}});
  if (old->can_serve())
    return take_away(self, *old, self->state.was_changed());
  dismiss(self, *old);
  erase(self, *old);
}

void keep_old(supervisor_pointer self, const entity& successor,
              const std::string& why) {
  auto& state = self->state;
  state.change_has_failed = true;
  log_event(log_level::error, "change_failed",
            {{"model", state.options.model.name},
             {"device", successor.device},
             {"reason", why}});
  if (auto* old = state.of_incarnation(successor.replaces))
    old->reason = "the new setting does not load: " + why;
}

caf::result<caf::ok_atom> retire(supervisor_pointer self) {
  auto& state = self->state;
  state.is_retired = true;
  refuse_demand(self, state.was_removed());
  for (auto at = state.entities.begin(); at != state.entities.end();) {
    auto& item = *at++;
    if (item.can_serve()) {
      finish(self, item, state.was_removed());
    } else if (!item.is_leaving) {
      answer(item, to_error(state.was_removed()));
      dismiss(self, item);
      erase(self, item);
    }
  }
  state.retired = self->make_response_promise<caf::ok_atom>();
  auto promise = state.retired;
  look_again(self);
  return promise;
}

void end_retirement(supervisor_pointer self) {
  auto& state = self->state;
  if (state.is_retired && state.retired.pending() && state.entities.empty()
      && state.is_settled())
    state.retired.deliver(caf::ok_atom::value);
}

} // namespace model_server
