// The memory keeper actor: finds memory for models that are loaded on demand.
#pragma once

#include "actors/eviction.hpp"
#include "actors/interfaces.hpp"
#include "models/devices.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace model_server {

/// What it knows of this machine.
struct memory_keeper_options {
  std::string node_name = "local";
  /// May be null: then only what was free at the time of the question counts.
  std::function<std::vector<device_info>()> list_devices;
  /// All that models on the CPU may take together; 0 is unknown.
  std::uint64_t cpu_memory = 0;
  /// What is to stay free of it.
  std::uint64_t cpu_reserve = 0;
};

/// What it is doing. It has no memory of its own: who has which device is asked
/// of the gateway each time, so a load counts from its beginning to its end,
/// however that comes.
struct memory_keeper_state {
  explicit memory_keeper_state(caf::local_actor*) {
    // options come with the behaviour
  }

  struct question {
    make_room order;
    caf::typed_response_promise<room> answer;
    /// Models that were told to go for it, or that would not.
    std::set<std::string> asked;
  };

  /// For the logs.
  const char* name = "memory_keeper";
  gateway_actor gateway;
  memory_keeper_options options;
  /// The first one is being answered.
  std::deque<question> questions;
  /// An idle model is looked for or unloaded for the memory alone.
  bool is_reclaiming = false;

  /// Where the model may go: on accelerators if there are any, else on the
  /// first of the others. With what is left there beside the models that are
  /// there or on their way.
  std::vector<room_candidate> candidates(const make_room& order,
                                         const server_status& status) const;

  /// Those that may go.
  std::vector<idle_model> idle_models(const server_status& status) const;

  /// Of these, those that may go for the first question.
  std::vector<idle_model> idle_for_first(const server_status& status) const;

  failure refusal(const make_room& order, const no_room& best) const;
};

memory_keeper_actor::behavior_type
memory_keeper(memory_keeper_actor::stateful_pointer<memory_keeper_state> self,
              gateway_actor gateway, memory_keeper_options options);

} // namespace model_server
