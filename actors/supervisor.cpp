// The supervisor actor: one per model name, owns its workers.
#include "actors/supervisor.hpp"

#include "actors/device_choice.hpp"
#include "config/logging.hpp"

#include <caf/actor_cast.hpp>

#include <utility>

namespace model_server {

namespace {

using supervisor_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

// How much longer than the drain limit the last worker may take to say that
// its replies have ended; a model that hangs in a step never says so.
constexpr auto finish_grace = std::chrono::seconds{5};

device_report report_of(const entity& item) {
  device_report result;
  result.device = item.device;
  result.state = item.state;
  return result;
}

// -- starting and losing workers ----------------------------------------------

// Ends an entity's worker on purpose: its going down is nobody's loss.
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

// Answers whoever waits for the entity to be ready.
void answer(entity& item, caf::error reason) {
  if (item.asked.pending())
    item.asked.deliver(std::move(reason));
}

// Gives a worker up that does not answer: it hangs in a step, so its replies
// get no word from it, not even that it is down.
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

// -- replies ------------------------------------------------------------------

caf::result<admitted> route(supervisor_pointer self, submit& order,
                            reply_actor& sink) {
  auto* chosen = self->state.least_loaded();
  if (!chosen)
    return to_error(self->state.no_worker(self->clock().now()));
  ++chosen->submits;
  return self->delegate(chosen->worker, std::move(order), std::move(sink));
}

// Any worker has the same answer.
template <class Answer, class Question>
caf::result<Answer> ask_any(supervisor_pointer self, Question& question) {
  auto* chosen = self->state.least_loaded();
  if (!chosen)
    return to_error(self->state.no_worker(self->clock().now()));
  return self->delegate(chosen->worker, std::move(question));
}

// -- devices ------------------------------------------------------------------

caf::result<device_report> add(supervisor_pointer self,
                               const std::string& wanted, bool wait) {
  auto& state = self->state;
  device_choice choice{wanted,
                       state.options.list_devices(),
                       {},
                       state.options.model.name,
                       state.options.node_name};
  for (const auto& item : state.entities)
    choice.in_use.push_back(item.device);
  auto chosen = choose_device(choice);
  if (auto* refused = std::get_if<failure>(&chosen))
    return to_error(*refused);
  auto& item = state.entities.emplace_back();
  item.device = std::get<std::string>(chosen);
  start_worker(self, item);
  if (!wait)
    return report_of(item);
  item.asked = self->make_response_promise<device_report>();
  return item.asked;
}

caf::result<device_report> activate(supervisor_pointer self,
                                    const activate_model& order) {
  auto* active = self->state.to_remove("");
  if (!active)
    return add(self, order.device, true);
  auto result = report_of(*active);
  result.unchanged = true;
  return result;
}

// Takes the entity out at once; its replies are told to go on elsewhere.
caf::result<device_report> move_replies(supervisor_pointer self, entity& item) {
  auto promise = self->make_response_promise<device_report>();
  auto report = report_of(item);
  auto worker = item.worker;
  auto incarnation = item.incarnation;
  erase(self, item);
  self->demonitor(worker.address());
  self->request(worker, self->state.options.serving.drain_timeout,
                hand_over_atom::value)
      .then(
          [=](std::uint32_t count) mutable {
            report.moved_replies = count;
            promise.deliver(report);
            dismiss(self, worker);
          },
          [=](const caf::error&) mutable {
            promise.deliver(report);
            abandon(self, worker, incarnation);
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
      abandon(self, found->worker, incarnation);
    else
      dismiss(self, found->worker);
    if (found->asked.pending())
      found->asked.deliver(report_of(*found));
    erase(self, *found);
  };
  self->delayed_send(self, limit, tick_atom::value, incarnation);
  self->request(item.worker, limit + finish_grace, finish_atom::value)
      .then([=](caf::ok_atom) { leave(false); },
            [=](const caf::error&) { leave(true); });
  return item.asked;
}

caf::result<device_report> remove(supervisor_pointer self,
                                  const remove_device& order) {
  auto& state = self->state;
  if (state.staying() == 0)
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
  dismiss(self, item->worker);
  erase(self, *item);
  return report;
}

} // namespace

supervisor_actor::behavior_type supervisor(supervisor_pointer self,
                                           supervisor_options options) {
  self->state.options = std::move(options);
  self->set_down_handler(
      [self](const caf::down_msg& down) { on_down(self, down); });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    for (const auto& item : self->state.entities)
      dismiss(self, item.worker);
    self->quit(exit.reason);
  });
  return {
      [self](submit& order, reply_actor& sink) {
        return route(self, order, sink);
      },
      [self](tokenize& question) { return ask_any<tokenized>(self, question); },
      [self](detokenize& question) {
        return ask_any<detokenized>(self, question);
      },
      [self](const add_device& order) {
        return add(self, order.device, order.wait);
      },
      [self](const remove_device& order) { return remove(self, order); },
      [self](const activate_model& order) { return activate(self, order); },
      [self](get_status) { return self->state.status(); },
      [self](const drain&) {
        for (auto& item : self->state.entities)
          if (!item.is_leaving)
            answer(item, to_error(self->state.is_stopping()));
      },
      [self](const gateway_actor& gateway) {
        self->state.gateway = gateway.address();
      },
      [self](const worker_load& load) {
        if (auto* item = self->state.of_incarnation(load.incarnation))
          item->load = load;
      },
      [self](retry_atom, std::uint64_t incarnation) {
        auto* item = self->state.of_incarnation(incarnation);
        if (!item || item->state != entity_state::restarting)
          return;
        start_worker(self, *item);
      },
      [self](tick_atom, std::uint64_t incarnation) {
        auto* item = self->state.of_incarnation(incarnation);
        if (item && item->is_leaving)
          self->send(item->worker, end_replies{self->state.removed_last()});
      },
  };
}

} // namespace model_server
