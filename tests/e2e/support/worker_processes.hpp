// The processes that a server has started for its workers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace model_server {

/// A process as the system lists it.
struct worker_process {
  pid_t id = -1;
  std::string model;
  std::string device;
  /// `R`, `S`, `T` for stopped, `Z` for ended and not reaped.
  char state = '?';
};

/// All children of a server, whatever their state; those that are no workers
/// have no model.
std::vector<worker_process> worker_processes(pid_t server);

/// The one for this model and device; throws, which fails the test, if there is
/// none.
worker_process worker_on(pid_t server, std::string_view model,
                         std::string_view device);

/// True once that device's entity is in this state.
bool entity_comes_to(std::uint16_t port, std::string_view model,
                     std::string_view device, std::string_view state);

/// The device of the entity that runs replies now; empty if none does.
std::string busy_device(std::uint16_t port, std::string_view model);

} // namespace model_server
