// Starts the actors of a process from its settings.
#pragma once

#include "actors/memory_level.hpp"
#include "actors/telemetry.hpp"
#include "config/settings.hpp"

#include <caf/actor_system.hpp>

#include <memory>

namespace model_server {

/// Where this front keeps what it tells of itself: figures, and a history, an
/// actor that ends by itself when nobody knows it any more.
telemetry_sinks start_telemetry(caf::actor_system& system);

/// Starts the gateway, the node of this machine and a supervisor per model, all
/// of them inactive. Workers get a process or a thread each. Sending the
/// gateway an exit message ends them all. What memory is left is written to
/// `memory`. A successor waits for the cluster's
/// port until the process before it has ended.
gateway_actor start_serving(caf::actor_system& system, const settings& config,
                            const telemetry_sinks& telemetry,
                            const std::shared_ptr<memory_gauge>& memory,
                            bool is_successor);

} // namespace model_server
