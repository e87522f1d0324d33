// The models and devices that a server starts with.
#pragma once

#include "actors/interfaces.hpp"
#include "config/settings.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <string>

namespace model_server {

/// Throws `config_error` for what would keep a model of the command line from
/// its devices and shows without loading it. Devices of other machines show
/// when these join.
void check_start(const settings& config);

/// Whom to tell about a start; called on threads of the actors.
struct start_events {
  std::function<void(const std::string& model, const std::string& device)>
      ready;
  /// Every device of this machine serves or has failed. `is_hopeless` if there
  /// were some and all have failed.
  std::function<void(bool is_hopeless)> settled;
};

/// Adds every device that the settings name, in their order. A model that
/// doesn't load is an error in the log, and the others go on serving. A device
/// of another machine is added once that has joined.
void start_models(caf::actor_system& system, const gateway_actor& gateway,
                  const settings& config, start_events events);

/// What another process of the machine `local` has to start with to have the
/// same: one `model device` a line.
std::string devices_in_use(const server_status& status,
                           const std::string& local);

/// Has the models start on these devices, and on no others.
void take_devices(settings& config, const std::string& devices);

} // namespace model_server
