// The reloader actor: reads config.json and the models folder again.
#pragma once

#include "actors/interfaces.hpp"
#include "config/settings.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <vector>

namespace model_server {

/// Everything it is started with.
struct reloader_options {
  gateway_actor gateway;
  /// In force at the start.
  std::vector<model_setting> models;
  /// Reads what is wanted now. Throws `config_error`.
  std::function<std::vector<model_setting>()> read;
  /// Throws `config_error` for params that a model cannot be made from.
  std::function<void(const model_setting&)> check;
};

/// What it knows.
struct reloader_state {
  explicit reloader_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// For the logs.
  const char* name = "reloader";
  /// With the models that are in force.
  reloader_options options;
};

/// Waits for the disk: it needs a thread of its own. One reload ends before the
/// next begins. Each is logged, with what came of it.
reloader_actor::behavior_type
reloader(reloader_actor::stateful_pointer<reloader_state> self,
         reloader_options options);

} // namespace model_server
