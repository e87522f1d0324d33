// Starts workers, and starts others when they are lost.
#include "actors/supervisor_parts.hpp"

#include "actors/device_choice.hpp"
#include "config/logging.hpp"
#include "config/model_json.hpp"

#include <prometheus/counter.h>

#include <random>
#include <utility>

namespace model_server {

namespace {

// A worker is down: so long its node may take to tell how it ended. It knows
// within milliseconds, unless the whole machine is gone.
constexpr auto word_wait = std::chrono::seconds{1};

std::uint64_t new_secret() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

// What is left of its worker must go, if its node is in reach.
void stop(supervisor_pointer self, const entity& item, bool at_once) {
  auto& state = self->state;
  if (auto node = state.node_of(item))
    self->send(
        node, stop_worker{state.options.model.name, item.incarnation, at_once});
}

void tell_replies(supervisor_pointer self, std::uint64_t incarnation,
                  worker_end end, std::string why) {
  const auto& state = self->state;
  if (state.router)
    self->send(state.router, worker_gone{state.options.model.name, incarnation,
                                         std::move(end), std::move(why)});
}

// A reply could not go on there as it began elsewhere.
failure has_another_model(const entity& other) {
  return {errc::load_failed,
          "its model is not the one that began on " + other.device
              + ": the files or the settings differ",
          "", 0};
}

void worker_is_ready(supervisor_pointer self, entity& item,
                     const worker_ready& what) {
  if (const auto* other =
          self->state.unlike({item.setting_number, what.identity}))
    return on_end(self, {item.incarnation, has_another_model(*other), {}});
  item.is_exact = what.is_exact;
  item.identity = what.identity;
  item.state = entity_state::ready;
  item.ready_since = self->clock().now();
  item.has_served = true;
  item.reason.clear();
  log_event(log_level::info, "worker_ready",
            {{"model", self->state.options.model.name},
             {"device", item.device},
             {"incarnation", item.incarnation}});
  answer(item);
  self->state.demand.load_succeeded();
  take_over(self, item);
  look_again(self);
}

// The worker is gone, or could not load. An entity that has never served goes
// with it; else it gets another worker after a pause.
void lose_worker(supervisor_pointer self, entity& item, std::string why) {
  auto& state = self->state;
  log_event(log_level::warning, "worker_lost",
            {{"model", state.options.model.name},
             {"device", item.device},
             {"incarnation", item.incarnation},
             {"reason", why}});
  if (item.is_leaving) {
    answer(item);
    return erase(self, item);
  }
  if (!item.has_served) {
    auto failed = state.does_not_load(item.device, why);
    answer(item, to_error(failed));
    if (item.replaces != 0)
      keep_old(self, item, why);
    else if (item.is_on_demand)
      load_has_failed(self, failed);
    return erase(self, item);
  }
  item.crashed(std::move(why), self->clock().now(), state.options.serving);
  if (item.state == entity_state::restarting) {
    item.figures->restarts.Increment();
    return self->delayed_send(self, item.pause, retry_atom::value,
                              item.incarnation);
  }
  log_event(log_level::error, "worker_given_up",
            {{"model", state.options.model.name},
             {"device", item.device},
             {"losses", item.losses.size()},
             {"reason", item.reason}});
}

// From its hello on: waits until it has loaded, or sees its end.
void look_after(supervisor_pointer self, entity& item) {
  auto incarnation = item.incarnation;
  self->monitor(item.worker);
  self->request(item.worker, caf::infinite, load_atom::value,
                load_watcher{self})
      .then(
          [=](const worker_ready& what) {
            // Its node may have told of its end in the meantime.
            auto* found = self->state.of_incarnation(incarnation);
            if (found && found->worker && found->has_worker())
              worker_is_ready(self, *found, what);
          },
          [=](const caf::error& reason) {
            // It is also going down, but this says more.
            on_end(self, {incarnation,
                          {errc::load_failed, describe(reason), "", 0},
                          {}});
          });
}

} // namespace

device_report report_of(const entity& item) {
  device_report result;
  result.device = item.device;
  result.state = item.state;
  return result;
}

void dismiss(supervisor_pointer self, const entity& item) {
  if (item.worker) {
    self->demonitor(item.worker.address());
    self->send_exit(item.worker, caf::exit_reason::user_shutdown);
  }
  if (!item.has_worker())
    return;
  stop(self, item, false);
  if (self->state.node_of(item))
    self->state.ending[item.incarnation] = item.node;
}

void dismiss_all(supervisor_pointer self, std::list<entity>& items) {
  for (const auto& item : items)
    dismiss(self, item);
  items.clear();
}

void erase(supervisor_pointer self, const entity& gone) {
  self->state.entities.remove_if(
      [&](const entity& item) { return &item == &gone; });
}

void answer(entity& item) {
  if (item.asked.pending())
    item.asked.deliver(report_of(item));
}

void answer(entity& item, caf::error reason) {
  if (item.asked.pending())
    item.asked.deliver(std::move(reason));
}

void abandon(supervisor_pointer self, const entity& item) {
  log_event(log_level::error, "worker_abandoned",
            {{"model", self->state.options.model.name},
             {"incarnation", item.incarnation}});
  // None of them is hit: they go on as after a removal.
  worker_end end;
  end.batch_is_known = true;
  tell_replies(self, item.incarnation, std::move(end),
               "it did not answer any more");
  dismiss(self, item);
}

void order_worker(supervisor_pointer self, const entity& item) {
  auto& state = self->state;
  auto node = state.node_of(item);
  if (!node)
    return;
  start_worker order;
  order.ticket = {state.options.model.name, item.incarnation, item.secret};
  order.device = local_device(item.device, item.node);
  order.shown_device = item.device;
  order.batch_size = state.batch_size(*item.setting);
  const auto& serving = state.options.serving;
  order.queue = {serving.max_queued, serving.max_queued_tokens,
                 serving.queue_timeout};
  // Other machines have their own files.
  if (item.node == state.options.node_name)
    order.setting = to_config_json(*item.setting);
  self->send(node, std::move(order), worker_owner{self});
}

void take_legacy(supervisor_pointer self) {
  auto& state = self->state;
  auto& legacy = *state.options.legacy;
  state.last_incarnation = legacy.last_incarnation;
  if (legacy.setting) {
    state.setting = std::exchange(legacy.setting, nullptr);
    state.setting_number = legacy.setting_number;
  }
  state.router = std::exchange(legacy.router, nullptr);
  dismiss_all(self, legacy.departing);
  state.entities = std::exchange(legacy.entities, {});
  state.entities.remove_if([self](const auto& item) {
    if (item.is_leaving) // it has had its time
      dismiss(self, item);
    return item.is_leaving;
  });
  // Their ends are told to the supervisor before this one.
  state.ending.clear();
  for (auto& item : state.entities) {
    item.asked = {}; // whoever asked has lost whom he asked
    if (item.state == entity_state::failed)
      continue;
    if (item.worker && !item.is_down) {
      order_worker(self, item);
      look_after(self, item);
      continue;
    }
    if (item.has_worker())
      stop(self, item, true);
    item.state = entity_state::restarting;
    restart(self, item);
  }
}

void restart(supervisor_pointer self, entity& item) {
  auto& state = self->state;
  if (!state.node_of(item))
    return; // it is started again when its machine is back
  item.figures =
      &state.options.figures->add_device(state.options.model.name, item.device);
  item.incarnation = ++state.last_incarnation;
  item.secret = new_secret();
  item.state = entity_state::loading;
  item.bytes = state.options.estimate_memory
                   ? state.options.estimate_memory(*item.setting)
                   : 0;
  item.forget_worker();
  order_worker(self, item);
}

void greet(supervisor_pointer self, const worker_ticket& ticket,
           const worker_actor& worker) {
  auto incarnation = ticket.incarnation;
  auto* item = self->state.of_incarnation(incarnation);
  if (!item || item->secret != ticket.secret || item->worker
      || !item->has_worker()) {
    // Of an entity that is gone, or a stranger.
    self->send_exit(worker, caf::exit_reason::user_shutdown);
    return;
  }
  item->worker = worker;
  look_after(self, *item);
}

void take_progress(supervisor_pointer self, const load_progress& told) {
  auto* item = self->state.of_incarnation(told.incarnation);
  if (!item || item->state != entity_state::loading)
    return;
  auto tenths = [](double done) { return static_cast<int>(10 * done); };
  auto is_news = tenths(told.done) > tenths(item->loaded);
  item->loaded = told.done;
  if (is_news)
    log_event(log_level::info, "worker_loading",
              {{"model", self->state.options.model.name},
               {"device", item->device},
               {"incarnation", item->incarnation},
               {"percent", tenths(told.done) * 10}});
}

void on_down(supervisor_pointer self, const caf::down_msg& down) {
  lose_node(self, down);
  self->state.demand.drop(down.source);
  for (const auto& item : self->state.departing)
    if (item.worker == down.source)
      return finish_departure(self, item.incarnation, std::nullopt);
  for (auto& item : self->state.entities) {
    if (!item.worker || item.worker != down.source)
      continue;
    item.is_down = true;
    // It may only be frozen, or out of reach.
    stop(self, item, true);
    self->delayed_send(
        self, word_wait,
        worker_ended{item.incarnation,
                     {errc::worker_lost, describe(down.reason), "", 0},
                     {}});
  }
}

void on_end(supervisor_pointer self, const worker_ended& report) {
  tell_replies(self, report.incarnation, report.end, report.reason.message);
  auto* item = self->state.of_incarnation(report.incarnation);
  if (!item || !item->has_worker())
    return; // it was dismissed, or this is known already
  dismiss(self, *item);
  lose_worker(self, *item, report.reason.message);
  look_again(self);
}

void on_told_end(supervisor_pointer self, const worker_ended& report) {
  on_end(self, report);
  self->state.ending.erase(report.incarnation);
  look_again(self);
}

} // namespace model_server
