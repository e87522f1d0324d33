// How the processes and machines of one server reach each other.
#pragma once

#include "actors/interfaces.hpp"
#include "config/settings.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/expected.hpp>

#include <cstdint>
#include <string>

namespace model_server {

/// Lets the actors of a system talk to other processes. Both sides give signs
/// of life; who gives none for too long is down for the other. With
/// certificates, machines prove to each other who they are.
void add_network(caf::actor_system_config& config,
                 const cluster_settings& cluster);

/// Takes the hellos of this machine's workers for the gateway; returns the
/// port. CAF takes whoever connects at his word, so no other machine can reach
/// it. Throws `std::runtime_error`.
std::uint16_t open_local_door(const gateway_actor& gateway);

/// Takes the hellos of other machines and of their workers, where the settings
/// say; returns the port. Throws `std::runtime_error`.
std::uint16_t open_cluster_door(const gateway_actor& gateway,
                                const cluster_settings& cluster);

/// The gateway behind an address of this machine.
caf::expected<gateway_actor> find_local_gateway(caf::actor_system& system,
                                                std::uint16_t port);

/// The gateway that the settings say to join. Takes as long as the network
/// does.
caf::expected<gateway_actor>
find_cluster_gateway(caf::actor_system& system,
                     const cluster_settings& cluster);

} // namespace model_server
