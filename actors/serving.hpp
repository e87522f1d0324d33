// Starts the actors of a process from its settings.
#pragma once

#include "actors/interfaces.hpp"
#include "config/settings.hpp"

#include <caf/actor_system.hpp>

namespace model_server {

/// Starts the gateway, the node of this machine and a supervisor per model, all
/// of them inactive. Workers get a process or a thread each. Sending the
/// gateway an exit message ends them all.
gateway_actor start_serving(caf::actor_system& system, const settings& config);

} // namespace model_server
