// A node whose workers are threads of its own process.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/thread_budget.hpp"
#include "actors/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace model_server {

/// Makes the entry that is ordered, on the worker's thread.
using entry_maker = std::function<std::unique_ptr<model_entry>(
    const start_worker& order, const load_watch& watch)>;

/// Everything such a node is started with.
struct thread_node_options {
  entry_maker make_entry;
  /// Starts a worker. Its thread is the spawner's decision.
  std::function<worker_actor(caf::actor_system&, worker_options)> spawn_worker;
  /// Shared by the workers that compute on the CPU; may be null.
  std::shared_ptr<thread_budget> threads;
};

/// What it knows.
struct thread_node_state {
  explicit thread_node_state(caf::local_actor*) {
    // options come with the behaviour
  }

  struct started {
    std::string model;
    std::uint64_t incarnation;
    worker_actor worker;
    std::shared_ptr<worker_page> page;
    worker_owner owner;
  };

  /// For the logs.
  const char* name = "node";
  thread_node_options options;
  std::list<started> workers;
};

/// Workers share everything with their process: a fault that is no exception
/// ends them all, and nothing ends one that hangs. Ends its workers when it
/// ends.
node_actor::behavior_type
thread_node(node_actor::stateful_pointer<thread_node_state> self,
            thread_node_options options);

} // namespace model_server
