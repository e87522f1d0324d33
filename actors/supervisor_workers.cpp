// Starts workers, and starts others when they are lost.
#include "actors/supervisor_parts.hpp"

#include "config/logging.hpp"

#include <caf/actor_cast.hpp>

#include <utility>

namespace model_server {

namespace {

// The worker is gone, or could not load. An entity that has never served goes
// with it; else it gets another worker after a pause.
void lose_worker(supervisor_pointer self, entity& item, caf::error reason) {
  auto& state = self->state;
  auto why = describe(reason);
  log_event(log_level::warning, "worker_lost",
            {{"model", state.options.model.name},
             {"device", item.device},
             {"incarnation", item.incarnation},
             {"reason", why}});
  if (item.is_leaving) {
    if (item.asked.pending())
      item.asked.deliver(report_of(item));
    return erase(self, item);
  }
  if (!item.has_served) {
    answer(item, to_error(state.does_not_load(item.device, why)));
    return erase(self, item);
  }
  const auto& serving = state.options.serving;
  item.crashed(std::move(why), self->clock().now(), serving.restart_pause,
               serving.restart_pause_most);
  self->delayed_send(self, item.pause, retry_atom::value, item.incarnation);
}

void worker_is_ready(supervisor_pointer self, entity& item) {
  item.state = entity_state::ready;
  item.ready_since = self->clock().now();
  item.has_served = true;
  item.reason.clear();
  log_event(log_level::info, "worker_ready",
            {{"model", self->state.options.model.name},
             {"device", item.device},
             {"incarnation", item.incarnation}});
  if (item.asked.pending())
    item.asked.deliver(report_of(item));
}

worker_options options_for(supervisor_pointer self, const entity& item) {
  const auto& options = self->state.options;
  worker_options result;
  result.incarnation = item.incarnation;
  result.device = item.device;
  result.make_entry = [make = options.make_entry, device = item.device] {
    return make(device);
  };
  result.batch_size = self->state.status().batch_size;
  result.max_queued = options.serving.max_queued;
  auto computes_on_cores = !item.device.starts_with("cuda");
  result.threads = computes_on_cores ? options.threads : nullptr;
  result.supervisor = self;
  return result;
}

} // namespace

device_report report_of(const entity& item) {
  device_report result;
  result.device = item.device;
  result.state = item.state;
  return result;
}

void dismiss(supervisor_pointer self, const worker_actor& worker) {
  if (!worker)
    return;
  self->demonitor(worker.address());
  self->send_exit(worker, caf::exit_reason::user_shutdown);
}

void erase(supervisor_pointer self, const entity& gone) {
  self->state.entities.remove_if(
      [&](const entity& item) { return &item == &gone; });
}

void answer(entity& item, caf::error reason) {
  if (item.asked.pending())
    item.asked.deliver(std::move(reason));
}

void abandon(supervisor_pointer self, const worker_actor& worker,
             std::uint64_t incarnation) {
  auto& state = self->state;
  log_event(
      log_level::error, "worker_abandoned",
      {{"model", state.options.model.name}, {"incarnation", incarnation}});
  if (auto gateway = caf::actor_cast<gateway_actor>(state.gateway))
    self->send(gateway,
               worker_abandoned{state.options.model.name, incarnation});
  dismiss(self, worker);
}

void start_worker(supervisor_pointer self, entity& item) {
  auto& state = self->state;
  auto incarnation = ++state.last_incarnation;
  item.incarnation = incarnation;
  item.state = entity_state::loading;
  item.worker =
      state.options.spawn_worker(self->system(), options_for(self, item));
  self->monitor(item.worker);
  self->request(item.worker, caf::infinite, load_atom::value)
      .then(
          [=](const worker_ready&) {
            if (auto* found = self->state.of_incarnation(incarnation))
              worker_is_ready(self, *found);
          },
          [=](const caf::error& reason) {
            auto* found = self->state.of_incarnation(incarnation);
            if (found && found->worker) {
              dismiss(self, found->worker);
              lose_worker(self, *found, reason);
            }
          });
}

void on_down(supervisor_pointer self, const caf::down_msg& down) {
  for (auto& item : self->state.entities)
    if (item.worker && item.worker == down.source)
      return lose_worker(self, item, down.reason);
}

} // namespace model_server
