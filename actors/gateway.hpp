// The gateway actor: the one door from HTTP to the models.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/memory_keeper.hpp"
#include "actors/memory_level.hpp"

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace model_server {

/// A model name and who answers for it.
struct served_model {
  std::string name;
  supervisor_actor supervisor;
  /// Starts another one with the same entities, when this one has failed.
  std::function<supervisor_actor()> start_again;
  /// It is not in the configuration any more and finishes its replies.
  bool is_removed = false;
  /// How often it was removed and came back.
  std::uint32_t removals = 0;
};

/// A machine of the cluster, and what it told last.
struct known_node {
  node_here hello;
  node_actor node;
};

/// Everything the gateway is started with.
struct gateway_options {
  /// In the order of the status.
  std::vector<served_model> models;
  /// Starts the supervisor of a model that comes later.
  std::function<served_model(const model_setting&)> start_model;
  /// What finds memory for what is loaded on demand.
  memory_keeper_options memory;
  /// What is left of it; never null.
  std::shared_ptr<const memory_gauge> gauge = std::make_shared<memory_gauge>();
  /// Of this machine; ends with the gateway. May be null.
  node_actor node;
  std::string node_name = "local";
  /// Of this machine, for the status; they stay what they are.
  std::vector<std::string> devices;
  /// How often replies look at the clock: their deadlines and pings are late by
  /// so much at most. One timer for all of them, because one for each costs
  /// more than everything else that a short reply does.
  std::chrono::milliseconds pulse{250};
};

/// What the gateway knows.
struct gateway_state {
  explicit gateway_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// For the logs.
  const char* name = "gateway";
  gateway_options options;
  /// Of the tokens of all models.
  token_router router;
  memory_keeper_actor memory;
  /// Null until it has introduced itself.
  reloader_actor reloader;
  /// Replies that have submitted and not ended.
  std::map<caf::actor_addr, reply_actor> open_replies;
  /// The other machines of the cluster, by name.
  std::map<std::string, known_node> nodes;
  /// A pulse is on its way; there is none while no reply is open.
  bool pulse_is_due = false;
  bool is_draining = false;
  /// Replies that were cut off at the end of the drain.
  std::uint32_t cut_replies = 0;
  /// Who waits for the drain to end.
  std::vector<caf::typed_response_promise<std::uint32_t>> drained;

  /// This machine, then the others by name.
  std::vector<node_status> node_list() const;

  /// Null if no model has this name.
  const served_model* find(const std::string& model) const;

  /// The same, models that are being removed among them.
  served_model* find_any(const std::string& model);

  /// Puts the models into this order; others come last.
  void sort_models(const std::vector<std::string>& order);

  /// What to say of a name that another machine has.
  failure name_in_use(const std::string& node) const;

  /// What to say of a name that no model has; tells some of the names there
  /// are.
  failure unknown(const std::string& model) const;
};

/// Starts the token router and ends with it. Ends the supervisors when it ends.
gateway_actor::behavior_type
gateway(gateway_actor::stateful_pointer<gateway_state> self,
        gateway_options options);

} // namespace model_server
