// The supervisors of the gateway's models: they come, fail and go.
#include "actors/gateway_parts.hpp"

#include "config/logging.hpp"

#include <utility>

namespace model_server {

namespace {

// No new call finds the model. It is taken out when its last reply has ended,
// unless it has come back by then.
void remove_model(gateway_pointer self, served_model& model) {
  model.is_removed = true;
  auto removal = ++model.removals;
  self->request(model.supervisor, caf::infinite, retire_atom::value)
      .then(
          [self, removal, name = model.name](caf::ok_atom) {
            auto* found = self->state.find_any(name);
            if (!found || !found->is_removed || found->removals != removal)
              return;
            log_event(log_level::info, "model_removed", {{"model", name}});
            self->send_exit(found->supervisor, caf::exit_reason::user_shutdown);
            std::erase_if(self->state.options.models,
                          [&](const auto& item) { return item.name == name; });
          },
          [](const caf::error&) {
            // It has come back, or the supervisor has failed.
          });
}

void add_model(gateway_pointer self, const model_setting& setting) {
  auto& state = self->state;
  if (auto* known = state.find_any(setting.name)) {
    known->is_removed = false;
    self->send(known->supervisor, setting);
    return;
  }
  state.options.models.push_back(state.options.start_model(setting));
  introduce(self, state.options.models.back());
}

} // namespace

failure is_stopping() {
  return {errc::shutting_down, "the server is stopping", "", 5};
}

void introduce(gateway_pointer self, const served_model& model) {
  const auto& state = self->state;
  self->monitor(model.supervisor);
  self->send(model.supervisor, state.router, state.memory);
  for (const auto& [name, known] : state.nodes)
    self->send(model.supervisor, known.hello, known.node);
}

void replace_supervisor(gateway_pointer self, served_model& model,
                        const caf::error& reason) {
  log_event(log_level::error, "supervisor_lost",
            {{"model", model.name}, {"reason", describe(reason)}});
  if (!model.start_again)
    return;
  model.supervisor = model.start_again();
  introduce(self, model);
  if (model.is_removed)
    remove_model(self, model);
}

caf::result<caf::ok_atom> change_models(gateway_pointer self,
                                        const reload_plan& plan) {
  auto& state = self->state;
  if (state.is_draining)
    return to_error(is_stopping());
  for (const auto& name : plan.removed)
    if (auto* known = state.find_any(name))
      remove_model(self, *known);
  for (const auto& setting : plan.changed)
    if (const auto* known = state.find(setting.name))
      self->send(known->supervisor, setting);
  for (const auto& setting : plan.added)
    add_model(self, setting);
  state.sort_models(plan.order);
  return caf::ok_atom::value;
}

} // namespace model_server
