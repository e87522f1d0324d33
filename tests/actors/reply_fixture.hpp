// One reply between a gateway and workers that the test plays.
#pragma once

#include "actors/reply.hpp"
#include "actors/token_router.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/recording_writer.hpp"
#include "tests/support/scripted_entry.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace model_server {

/// What a worker of the test was told.
struct worker_record {
  std::vector<submit> submits;
  std::vector<credit> credits;
  std::vector<cancel> cancels;
};

/// A worker that takes every request and makes nothing by itself.
inline worker_actor::behavior_type
passive_worker(worker_actor::pointer, std::uint64_t incarnation,
               std::shared_ptr<worker_record> log) {
  return {
      [=](load_atom, const load_watcher&) {
        return worker_ready{incarnation, 100, true, 0};
      },
      [=](const submit& order, const token_sink&) {
        log->submits.push_back(order);
        return admitted{incarnation, "dev:" + std::to_string(incarnation), 5};
      },
      [](const tokenize&) { return tokenized{}; },
      [](const detokenize&) { return detokenized{}; },
      [=](const credit& more) { log->credits.push_back(more); },
      [=](const cancel& order) { log->cancels.push_back(order); },
      [](hand_over_atom) { return std::uint32_t{0}; },
      [](finish_atom) { return caf::ok_atom::value; },
      [](const end_replies&) {},
      [](shed_atom) {},
      [](step_atom) {},
  };
}

/// What the gateway of the test does with the next submits.
struct door_record {
  /// Refusals to answer first, in order.
  std::deque<caf::error> refusals;
  worker_actor next;
  std::uint64_t incarnation = 0;
  int submits = 0;
  token_router router;
  reply_actor pulsing;
};

inline gateway_actor::behavior_type
scripted_gateway(gateway_actor::pointer self,
                 std::shared_ptr<door_record> log) {
  return {
      [=](submit& order, reply_actor& sink) -> caf::result<admitted> {
        ++log->submits;
        if (!log->pulsing)
          self->send(self, pulse_atom::value);
        log->pulsing = sink;
        if (!log->refusals.empty()) {
          auto result = log->refusals.front();
          log->refusals.pop_front();
          return result;
        }
        return self->delegate(log->router, std::move(order),
                              routed{log->incarnation}, log->next,
                              std::move(sink));
      },
      [](const tokenize&) { return tokenized{}; },
      [](const detokenize&) { return detokenized{}; },
      [](const add_device&) { return device_report{}; },
      [](const remove_device&) { return device_report{}; },
      [](const activate_model&) { return device_report{}; },
      [](get_status) { return server_status{}; },
      [](const unload_model&) { return false; },
      [](reload_models) { return reload_report{}; },
      [](const reload_plan&) { return caf::ok_atom::value; },
      [](const reloader_actor&) {},
      [](const drain&) { return std::uint32_t{0}; },
      [](const worker_here&, const worker_actor&) {},
      [](const node_here&, const node_actor&) { return caf::ok_atom::value; },
      [](shed_atom) {},
      [](reclaim_atom) {},
      [](flush_atom) { return caf::ok_atom::value; },
      [](tick_atom) {},
      [=](pulse_atom) {
        self->send(log->pulsing, pulse_atom::value);
        self->delayed_send(self, std::chrono::milliseconds{10},
                           pulse_atom::value);
      },
  };
}

inline failure loading() {
  return {errc::model_loading, "'m' is being loaded", "", 2};
}

/// Holds what each test of the reply needs.
class reply_fixture : public actor_fixture {
protected:
  reply_fixture() {
    at_door->router = system.spawn(route_tokens, token_router_options{});
    door = system.spawn(scripted_gateway, at_door);
    start_worker();
  }

  ~reply_fixture() override {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    caf::anon_send_exit(door, caf::exit_reason::kill);
    caf::anon_send_exit(at_door->router, caf::exit_reason::kill);
    for (const auto& worker : workers)
      caf::anon_send_exit(worker, caf::exit_reason::kill);
    run();
  }

  /// The next worker that the gateway chooses, of the next incarnation.
  void start_worker() {
    records.push_back(std::make_shared<worker_record>());
    workers.push_back(
        system.spawn(passive_worker, records.size(), records.back()));
    at_door->next = workers.back();
    at_door->incarnation = workers.size();
  }

  void start() {
    options.gateway = door;
    options.request.id = 1;
    options.request.model = "m";
    options.request.prompt.conversation = says("hello");
    options.request.seed = 77;
    subject = spawn_reply(system, std::move(options),
                          std::make_unique<recording_writer>(client));
    run();
  }

  /// Sends tokens as the latest worker would.
  void make(std::uint64_t first, std::vector<std::string> texts,
            finish_reason finish = finish_reason::none,
            std::uint64_t incarnation = 0) {
    token_chunk chunk;
    chunk.id = 1;
    chunk.incarnation = incarnation ? incarnation : workers.size();
    chunk.first = first;
    for (auto& text : texts)
      chunk.tokens.push_back(
          {static_cast<token_id>(100 + first + chunk.tokens.size()),
           std::move(text)});
    chunk.finish = finish;
    chunk.cached_tokens = static_cast<std::uint32_t>(2 * chunk.incarnation);
    caf::anon_send(at_door->router, step_chunks{{chunk}});
    run();
  }

  /// Ends a worker, and tells how, as its supervisor would.
  void kill(const worker_actor& victim, worker_end end = {}) {
    caf::anon_send_exit(victim, caf::exit_reason::kill);
    run();
    auto place = std::ranges::find(workers, victim) - workers.begin();
    caf::anon_send(subject,
                   worker_gone{"m", static_cast<std::uint64_t>(place) + 1,
                               std::move(end)});
    run();
  }

  std::shared_ptr<door_record> at_door = std::make_shared<door_record>();
  std::vector<std::shared_ptr<worker_record>> records;
  std::vector<worker_actor> workers;
  std::shared_ptr<transcript> client = std::make_shared<transcript>();
  gateway_actor door;
  reply_options options;
  reply_actor subject;
};

} // namespace model_server
