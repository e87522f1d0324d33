// Models that are loaded on demand and change, behind a node that can be held.
#pragma once

#include "tests/support/serving_fixture.hpp"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace model_server {

/// What a held node has not passed on.
struct gate {
  bool holds_starts = false;
  bool holds_ends = false;
  std::deque<std::pair<start_worker, worker_owner>> starts;
  std::deque<std::pair<worker_ended, worker_owner>> ends;
  node_actor node;
};

/// Passes on what workers tell their owner, and keeps their ends back.
inline worker_owner::behavior_type owner_behind_gate(worker_owner::pointer self,
                                                     std::shared_ptr<gate> log,
                                                     worker_owner owner) {
  return {
      [=](const worker_here& hello, const worker_actor& worker) {
        self->send(owner, hello, worker);
      },
      [=](const worker_ended& report) {
        if (log->holds_ends)
          log->ends.emplace_back(report, owner);
        else
          self->send(owner, report);
      },
  };
}

/// Passes on what supervisors want, and keeps starts back.
inline node_actor::behavior_type gate_node(node_actor::pointer self,
                                           std::shared_ptr<gate> log,
                                           const node_actor& behind) {
  self->link_to(behind);
  return {
      [=](const start_worker& order, const worker_owner& owner) {
        auto between = self->spawn(owner_behind_gate, log, owner);
        if (log->holds_starts)
          log->starts.emplace_back(order, between);
        else
          self->send(log->node, order, between);
      },
      [=](const stop_worker& order) {
        for (auto at = log->starts.begin(); at != log->starts.end(); ++at)
          if (at->first.ticket.incarnation == order.incarnation
              && at->first.ticket.model == order.model) {
            self->send(at->second, worker_ended{order.incarnation, {}, {}});
            log->starts.erase(at);
            return;
          }
        self->send(log->node, order);
      },
      [](const model_list&) {},
      [](ended_atom, std::uint64_t) {},
      [](tick_atom, std::uint64_t) {},
      [](tick_atom) {},
  };
}

/// Holds what each test of the lifecycle needs.
class lifecycle_fixture : public serving_fixture {
protected:
  lifecycle_fixture() {
    using namespace std::chrono_literals;
    serving.keep_alive = 600s;
    serving.load_timeout = 300s;
    serving.restart_pause = 1s;
    stand_before = [this](const node_actor& behind) {
      held->node = behind;
      return node_actor{system.spawn(gate_node, held, behind)};
    };
  }

  ~lifecycle_fixture() override {
    held->starts.clear();
    held->ends.clear();
    held->node = nullptr;
  }

  /// A model that says `1 2 3 4 5 6` and is loaded by the first call.
  model_setting on_demand(const std::string& name) {
    auto& plan = plans[name] = std::make_shared<script>();
    plan->replies["hello"] = numbered_reply(6);
    auto result = setting_of(name);
    result.load = load_mode::on_demand;
    return result;
  }

  void release_starts() {
    held->holds_starts = false;
    for (auto& [order, owner] : std::exchange(held->starts, {}))
      caf::anon_send(held->node, order, owner);
    run();
  }

  void release_ends() {
    held->holds_ends = false;
    for (auto& [report, owner] : std::exchange(held->ends, {}))
      caf::anon_send(owner, report);
    run();
  }

  /// A call from its beginning to its end; `1 2 3 4 5 6`, or the error's code.
  std::string call(const std::string& model) {
    auto reply = start(model, "hello");
    run();
    return outcome(reply);
  }

  static std::string outcome(const running_reply& reply) {
    const auto& client = *reply.client;
    if (!client.broken.empty())
      return "broken: " + client.broken;
    if (client.failed)
      return to_string(client.failed->code);
    return client.end ? client.text : "waits";
  }

  model_state state_of(const std::string& model) {
    return status_of(model).state;
  }

  const std::string whole = "1 2 3 4 5 6";
  std::shared_ptr<gate> held = std::make_shared<gate>();
};

} // namespace model_server
