// A node whose workers are processes of their own.
#pragma once

#include "actors/child_process.hpp"
#include "actors/interfaces.hpp"
#include "actors/thread_budget.hpp"
#include "actors/worker_page.hpp"
#include "config/settings.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace model_server {

/// Everything such a node is started with.
struct process_node_options {
  /// Models, log and cluster are passed on to the workers.
  settings config;
  /// Where this machine's front takes hellos, set before the first worker is
  /// started; null on a machine that has joined another's.
  std::shared_ptr<const std::uint16_t> local_port;
  /// What a worker that was told to go may take for it.
  std::chrono::milliseconds grace{2'000};
};

/// What it knows.
struct process_node_state {
  explicit process_node_state(caf::local_actor*) {
    // options come with the behaviour
  }
  ~process_node_state();

  /// A worker's process, from its start until it is reaped.
  struct started {
    /// Names it in messages to ourselves.
    std::uint64_t number;
    std::string model;
    std::uint64_t incarnation;
    worker_owner owner;
    child_process process;
    std::shared_ptr<worker_page> page;
    /// Waits for its end.
    std::thread watcher;
    /// It was ended because it hung.
    bool is_hung = false;
  };

  started* of_number(std::uint64_t number);

  /// For the logs.
  const char* name = "node";
  process_node_options options;
  std::list<started> workers;
  std::uint64_t last_number = 0;
  /// Workers that compute now; in memory that they share.
  unique_fd computing_file;
  std::shared_ptr<thread_budget::counter> computing;
};

/// Starts each worker as a process of this program, watches it and reaps it.
/// None of them outlives the node, however that ends.
node_actor::behavior_type
process_node(node_actor::stateful_pointer<process_node_state> self,
             process_node_options options);

} // namespace model_server
