// What each route does: from a request to the actors, and their answer back.
#pragma once

#include "actors/telemetry.hpp"
#include "config/settings.hpp"
#include "http/access_control.hpp"
#include "http/exchange.hpp"

#include <caf/actor_system.hpp>

#include <memory>

namespace model_server {

/// Handles every request with this gateway, if `access` lets it in, and tells of
/// it there; neither of the sinks is null. The system must outlive the handler;
/// nothing here waits.
request_handler make_endpoints(caf::actor_system& system, gateway_actor gateway,
                               telemetry_sinks telemetry,
                               const settings& config,
                               std::shared_ptr<const access_control> access);

} // namespace model_server
