// Starts the actors of a process from its settings.
#include "actors/serving.hpp"

#include "actors/gateway.hpp"
#include "actors/supervisor.hpp"
#include "models/cores.hpp"
#include "models/model_catalog.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

namespace model_server {

namespace {

constexpr auto shortest_pulse = std::chrono::milliseconds{10};

worker_actor spawn_on_own_thread(caf::actor_system& system,
                                 worker_options options) {
  return system.spawn<caf::detached>(worker, std::move(options));
}

} // namespace

gateway_actor start_serving(caf::actor_system& system, const settings& config) {
  auto cores = config.serving.threads ? config.serving.threads
                                      : static_cast<unsigned>(usable_cores());
  auto threads = std::make_shared<thread_budget>(cores);
  gateway_options options;
  // A quarter of what it has to keep, so that nothing is late by much.
  auto kept =
      std::min(config.http.ping_interval, config.serving.request_timeout);
  options.pulse = std::clamp(kept / 4, shortest_pulse, options.pulse);
  for (const auto& model : config.models) {
    supervisor_options served;
    served.model = model;
    served.serving = config.serving;
    served.node_name = config.node_name;
    served.make_entry = [model](const std::string& device) {
      return make_entry(model.entry, {model.params, device});
    };
    served.list_devices = [count = config.serving.virtual_devices] {
      return list_devices(count);
    };
    served.spawn_worker = spawn_on_own_thread;
    served.threads = threads;
    options.models.push_back(
        {model.name, system.spawn(supervisor, std::move(served))});
  }
  return system.spawn(gateway, std::move(options));
}

} // namespace model_server
