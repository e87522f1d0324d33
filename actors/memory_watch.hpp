// The memory watch actor: measures what is left, and has the server save.
#pragma once

#include "actors/figures.hpp"
#include "actors/interfaces.hpp"
#include "actors/memory_level.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace model_server {

/// Everything it is started with; nothing may be null.
struct memory_watch_options {
  gateway_actor gateway;
  /// Bytes that are left; nothing if the system does not say. May throw.
  std::function<std::optional<std::uint64_t>()> measure;
  /// What is to stay free.
  std::uint64_t reserve = 0;
  std::shared_ptr<memory_gauge> gauge;
  std::shared_ptr<figures> counted;
};

struct memory_watch_state {
  explicit memory_watch_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// For the logs.
  const char* name = "memory_watch";
  memory_watch_options options;
};

/// Writes the gauge four times a second, as Envoy's overload manager looks, and
/// tells the gateway what to give up. Ends with the gateway. Reads files of the
/// system: spawn it detached, except in tests.
memory_watch_actor::behavior_type
memory_watch(memory_watch_actor::stateful_pointer<memory_watch_state> self,
             memory_watch_options options);

} // namespace model_server
