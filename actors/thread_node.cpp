// A node whose workers are threads of its own process.
#include "actors/thread_node.hpp"

#include "actors/node_parts.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

using node_pointer = node_actor::stateful_pointer<thread_node_state>;

void start(node_pointer self, const start_worker& order,
           const worker_owner& owner) {
  auto& state = self->state;
  const auto& ticket = order.ticket;
  if (auto* known =
          find_worker(state.workers, ticket.model, ticket.incarnation)) {
    known->owner = owner;
    return;
  }
  auto how = options_for(order, state.options.threads);
  how.make_entry = [make = state.options.make_entry, order](
                       const load_watch& watch) { return make(order, watch); };
  auto page = how.page;
  auto worker = state.options.spawn_worker(self->system(), std::move(how));
  self->monitor(worker);
  state.workers.push_back(
      {ticket.model, ticket.incarnation, worker, std::move(page), owner});
  self->send(owner, worker_here{ticket}, worker);
}

failure reason_of(const caf::error& reason) {
  return is_failure(reason)
             ? to_failure(reason)
             : failure{errc::worker_lost, describe(reason), "", 0};
}

void report_end(node_pointer self, const caf::down_msg& down) {
  auto& workers = self->state.workers;
  auto found = std::ranges::find_if(
      workers, [&](const auto& item) { return item.worker == down.source; });
  if (found == workers.end())
    return;
  worker_ended report;
  report.incarnation = found->incarnation;
  report.reason = reason_of(down.reason);
  // What the model throws arrives as a failure; what ends the worker from
  // outside does not.
  report.end.is_fault = is_failure(down.reason);
  report.end.batch_is_known = true;
  report.end.batch = found->page->batch();
  self->send(found->owner, std::move(report));
  workers.erase(found);
}

} // namespace

node_actor::behavior_type thread_node(node_pointer self,
                                      thread_node_options options) {
  self->state.options = std::move(options);
  self->set_down_handler(
      [self](const caf::down_msg& down) { report_end(self, down); });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    for (const auto& item : self->state.workers)
      self->send_exit(item.worker, caf::exit_reason::user_shutdown);
    self->quit(exit.reason);
  });
  return {
      [self](const start_worker& order, const worker_owner& owner) {
        start(self, order, owner);
      },
      [self](const stop_worker& order) {
        if (auto* known = find_worker(self->state.workers, order.model,
                                      order.incarnation))
          self->send_exit(known->worker, caf::exit_reason::user_shutdown);
      },
      [](const model_list&) {
        // orders bring their settings
      },
      [](ended_atom, std::uint64_t) {
        // only processes end so
      },
      [](tick_atom, std::uint64_t) {
        // nothing ends a thread by force
      },
      [](tick_atom) {
        // likewise
      },
  };
}

} // namespace model_server
