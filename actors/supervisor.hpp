// The supervisor actor: one per model name, owns its workers.
#pragma once

#include "actors/entity.hpp"
#include "actors/figures.hpp"
#include "actors/idle_watch.hpp"
#include "actors/interfaces.hpp"
#include "actors/load_demand.hpp"
#include "config/settings.hpp"
#include "models/devices.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace model_server {

/// What a supervisor leaves behind, for the one that follows it when it fails.
struct supervisor_legacy {
  std::list<entity> entities;
  std::list<entity> departing;
  std::uint64_t last_incarnation = 0;
  token_router router;
  /// Null if there was none before.
  std::shared_ptr<const model_setting> setting;
  std::uint64_t setting_number = 0;
};

/// Everything a supervisor is started with.
struct supervisor_options {
  model_setting model;
  serving_settings serving;
  /// This machine: its name, who starts its workers, its devices.
  std::string node_name = "local";
  node_actor node;
  std::function<std::vector<device_info>()> list_devices;
  /// Counts what its workers do; those of the front. Never null.
  std::shared_ptr<model_server::figures> figures =
      std::make_shared<model_server::figures>();
  /// What a model is known to need of its device's memory, in bytes.
  std::function<std::uint64_t(const model_setting&)> estimate_memory;
  /// Shared with the supervisors before and after this one.
  std::shared_ptr<supervisor_legacy> legacy =
      std::make_shared<supervisor_legacy>();
};

/// Another machine whose devices may be used.
struct joined_node {
  std::string name;
  node_actor node;
  /// Named with the node: `node-b/cuda:0`.
  std::vector<device_info> devices;
};

/// What a supervisor knows.
struct supervisor_state {
  explicit supervisor_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// However it ends, by a failure too.
  ~supervisor_state();

  /// For the logs.
  const char* name = "supervisor";
  /// `options.model` is how it began; what holds now is `setting`.
  supervisor_options options;
  std::shared_ptr<const model_setting> setting;
  std::uint64_t setting_number = 0;
  /// In the order in which they were added.
  std::list<entity> entities;
  /// Removed, but not yet sure to have told their replies.
  std::list<entity> departing;
  std::uint64_t last_incarnation = 0;
  /// Machines that have joined and are in reach.
  std::vector<joined_node> nodes;
  /// Null until the gateway has introduced itself.
  token_router router;
  memory_keeper_actor memory;
  /// Incarnations whose workers were told to go, and that have not: they still
  /// have their memory. With the names of their machines.
  std::map<std::uint64_t, std::string> ending;
  /// Calls that wait for the model to be loaded.
  load_demand demand;
  /// Somebody will look whether one has waited long enough.
  bool late_is_due = false;
  /// The memory keeper has been asked and has not answered.
  bool asks_for_room = false;
  idle_watch idle;
  /// Who waits for what was loaded on demand to be gone.
  std::vector<caf::typed_response_promise<bool>> unloads;
  /// The new setting has been tried and does not load.
  bool change_has_failed = false;
  /// It is not in the configuration any more. Who waits for its end.
  bool is_retired = false;
  caf::typed_response_promise<caf::ok_atom> retired;
  bool is_draining = false;

  /// Null if that machine is not in reach.
  node_actor node_of(const entity& item) const;

  /// Of all machines in reach.
  std::vector<device_info> devices() const;

  /// Null if there is none.
  entity* of_incarnation(std::uint64_t incarnation);

  /// The ready entity that has this prompt done first: that with the smallest
  /// burden, of equals the oldest. Null if none is ready.
  entity* best_for(const prompt_trail& trail, const model_version& begun = {});

  /// An entity with the same setting that has served, but not the same model:
  /// replies may have begun there. Null if there is none.
  const entity* unlike(const model_version& version) const;

  /// The entity that `remove` means, leaving ones left out; null if there is
  /// none.
  entity* to_remove(const std::string& device);

  /// Entities that serve or may come to serve.
  std::size_t staying() const;

  /// Another one than this takes its replies now.
  bool has_other_than(const entity& item) const;

  /// None can take a reply now.
  bool serves_nothing() const;

  /// One was given up.
  bool has_failed_entity() const;

  /// Nobody is on the way out, so nobody has memory who is not seen.
  bool is_settled() const;

  /// Calls wait rather than be refused while nothing serves.
  bool loads_on_demand() const;

  /// Nothing runs, waits or is loaded, and something could be.
  bool is_idle() const;

  /// How long an entity stays without work.
  std::chrono::milliseconds keep_alive_of(const entity& item) const;

  /// The shortest of them; `for_ever` if none has an end.
  std::chrono::milliseconds shortest_keep_alive() const;

  std::uint32_t batch_size(const model_setting& model) const;

  // How it may refuse.
  failure no_worker(entity::time_point now) const;
  /// For a reply that has begun.
  failure no_worker_of(const model_version& begun,
                       entity::time_point now) const;
  failure too_many_wait() const;
  failure waited_too_long() const;
  failure not_active() const;
  failure nothing_on(const std::string& device) const;
  failure does_not_load(const std::string& device,
                        const std::string& why) const;
  failure removed_early(const std::string& device) const;
  failure removed_last() const;
  failure was_changed() const;
  failure was_removed() const;
  failure has_failed() const;
  failure is_stopping() const;

  model_status status(entity::time_point now) const;
};

/// Starts with the entities of the one before it, whose workers go on
/// meanwhile. Ends its workers when it is told to end.
supervisor_actor::behavior_type
supervisor(supervisor_actor::stateful_pointer<supervisor_state> self,
           supervisor_options options);

} // namespace model_server
