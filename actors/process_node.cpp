// A node whose workers are processes of their own.
#include "actors/process_node.hpp"

#include "actors/node_parts.hpp"
#include "actors/step_watch.hpp"
#include "actors/worker_launch.hpp"
#include "actors/worker_process.hpp"
#include "config/logging.hpp"
#include "config/model_json.hpp"
#include "config/option_values.hpp"

#include <caf/send.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

namespace model_server {

namespace {

using node_pointer = node_actor::stateful_pointer<process_node_state>;

worker_launch launch_of(const process_node_options& options,
                        const start_worker& order) {
  worker_launch result;
  result.order = order;
  result.local_port = options.local_port ? *options.local_port : 0;
  result.model_json =
      order.setting.empty()
          ? to_config_json(model_of(options.config, order.ticket.model))
          : order.setting;
  result.cores = computing_threads(options.config.serving);
  result.cluster = options.config.cluster;
  result.log = options.config.log;
  return result;
}

void start(node_pointer self, const start_worker& order,
           const worker_owner& owner) {
  auto& state = self->state;
  if (auto* known = find_worker(state.workers, order.ticket.model,
                                order.ticket.incarnation)) {
    known->owner = owner;
    return;
  }
  auto launch = launch_of(state.options, order);
  auto page_file = make_memory_file(sizeof(worker_page));
  process_node_state::started item;
  item.number = ++state.last_number;
  item.model = order.ticket.model;
  item.incarnation = order.ticket.incarnation;
  item.owner = owner;
  item.page = map_object<worker_page>(page_file.get());
  item.process = start_child(
      {"model_api", worker_process_flag, order.ticket.model, order.device},
      {page_file.get(), state.computing_file.get()}, to_bytes(launch));
  item.watcher = std::thread{
      [node = node_actor{self}, number = item.number, id = item.process.id] {
        wait_for_end(id);
        caf::anon_send(node, ended_atom::value, number);
      }};
  log_event(log_level::info, "worker_started",
            {{"model", item.model},
             {"device", order.shown_device},
             {"incarnation", item.incarnation},
             {"process", item.process.id}});
  state.workers.push_back(std::move(item));
}

// What cannot be started has ended.
void try_to_start(node_pointer self, const start_worker& order,
                  const worker_owner& owner) {
  try {
    start(self, order, owner);
  } catch (const std::exception& problem) {
    worker_ended report;
    report.incarnation = order.ticket.incarnation;
    report.reason = {errc::load_failed, problem.what(), "", 0};
    report.end.batch_is_known = true;
    self->send(owner, std::move(report));
  }
}

void stop(node_pointer self, const stop_worker& order) {
  auto* item = find_worker(self->state.workers, order.model, order.incarnation);
  if (!item)
    return;
  item->process.input.reset();
  if (order.at_once)
    kill_child(item->process.id);
  self->delayed_send(self, self->state.options.grace, tick_atom::value,
                     item->number);
}

// Ends a worker whose step is not over in time: its replies go on elsewhere,
// and are suspects as if it had broken.
void end_if_hung(process_node_state::started& item,
                 std::chrono::milliseconds timeout) {
  auto step = item.page->running();
  if (!step || item.is_hung)
    return;
  auto time = std::chrono::steady_clock::now() - step->since;
  auto limit = longest_step(step->usual, timeout);
  if (time <= limit)
    return;
  // It may have been over a moment ago.
  auto still = item.page->running();
  if (!still || still->since != step->since)
    return;
  item.is_hung = true;
  item.page->write_last_words(
      fmt::format("its step was not over after {}", show_duration(limit)));
  log_event(log_level::error, "worker_hangs",
            {{"model", item.model},
             {"incarnation", item.incarnation},
             {"process", item.process.id},
             {"seconds", std::chrono::duration<double>(time).count()}});
  kill_child(item.process.id);
}

void look_for_hung(node_pointer self) {
  auto& state = self->state;
  auto timeout = state.options.config.serving.step_timeout;
  for (auto& item : state.workers)
    end_if_hung(item, timeout);
  self->delayed_send(self, watch_interval(timeout), tick_atom::value);
}

worker_ended report_of(const process_node_state::started& item, int status) {
  worker_ended result;
  result.incarnation = item.incarnation;
  auto words = item.page->last_words();
  result.reason = {
      errc::worker_lost,
      words.empty() ? "its process " + describe_end(status) : words, "", 0};
  result.end.is_fault = !words.empty() || broke_by_itself(status);
  result.end.batch_is_known = true;
  result.end.batch = item.page->batch();
  return result;
}

// A process has ended: takes it off the list and off the cores.
void bury(node_pointer self, std::uint64_t number) {
  auto& state = self->state;
  auto* item = state.of_number(number);
  if (!item)
    return;
  item->watcher.join();
  auto status = reap(item->process.id);
  self->send(item->owner, report_of(*item, status));
  // It may have died while it counted as a user of the cores.
  if (item->page->is_computing)
    --*state.computing;
  std::erase_if(state.workers,
                [=](const auto& other) { return other.number == number; });
}

} // namespace

process_node_state::~process_node_state() {
  for (auto& item : workers)
    kill_child(item.process.id);
  for (auto& item : workers) {
    item.watcher.join();
    reap(item.process.id);
  }
}

process_node_state::started*
process_node_state::of_number(std::uint64_t number) {
  auto found = std::ranges::find(workers, number, &started::number);
  return found == workers.end() ? nullptr : &*found;
}

node_actor::behavior_type process_node(node_pointer self,
                                       process_node_options options) {
  auto& state = self->state;
  state.options = std::move(options);
  state.computing_file = make_memory_file(sizeof(thread_budget::counter));
  state.computing =
      map_object<thread_budget::counter>(state.computing_file.get());
  if (state.options.config.serving.step_timeout.count() > 0)
    look_for_hung(self);
  return {
      [self](const start_worker& order, const worker_owner& owner) {
        try_to_start(self, order, owner);
      },
      [self](const stop_worker& order) { stop(self, order); },
      [self](const model_list& list) {
        self->state.options.config.models = list.models;
      },
      [self](ended_atom, std::uint64_t number) { bury(self, number); },
      [self](tick_atom, std::uint64_t number) {
        if (auto* item = self->state.of_number(number))
          kill_child(item->process.id);
      },
      [self](tick_atom) { look_for_hung(self); },
  };
}

} // namespace model_server
