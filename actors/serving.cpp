// Starts the actors of a process from its settings.
#include "actors/serving.hpp"

#include "actors/gateway.hpp"
#include "actors/network.hpp"
#include "actors/node_parts.hpp"
#include "actors/process_node.hpp"
#include "actors/request_history.hpp"
#include "actors/supervisor.hpp"
#include "actors/thread_node.hpp"
#include "config/logging.hpp"
#include "models/model_catalog.hpp"

#include <caf/send.hpp>

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

node_actor start_thread_node(caf::actor_system& system,
                             const settings& config) {
  thread_node_options options;
  options.make_entry = [config](const std::string& name,
                                const std::string& device,
                                const load_watch& watch) {
    const auto& model = model_of(config, name);
    return make_entry(model.entry, {model.params, device, watch});
  };
  options.spawn_worker = spawn_on_own_thread;
  options.threads =
      std::make_shared<thread_budget>(computing_threads(config.serving));
  return system.spawn(thread_node, std::move(options));
}

node_actor start_process_node(caf::actor_system& system, const settings& config,
                              std::shared_ptr<const std::uint16_t> port) {
  process_node_options options;
  options.config = config;
  options.local_port = std::move(port);
  return system.spawn(process_node, std::move(options));
}

} // namespace

telemetry_sinks start_telemetry(caf::actor_system& system) {
  return {std::make_shared<figures>(),
          system.spawn(request_history, request_history_options{})};
}

gateway_actor start_serving(caf::actor_system& system, const settings& config,
                            const telemetry_sinks& telemetry) {
  gateway_options options;
  // A quarter of what it has to keep, so that nothing is late by much.
  auto kept =
      std::min(config.http.ping_interval, config.serving.request_timeout);
  options.pulse = std::clamp(kept / 4, shortest_pulse, options.pulse);
  auto has_processes = config.serving.workers == isolation::process;
  auto port = std::make_shared<std::uint16_t>();
  auto node = has_processes ? start_process_node(system, config, port)
                            : start_thread_node(system, config);
  for (const auto& model : config.models) {
    supervisor_options served;
    served.model = model;
    served.serving = config.serving;
    served.node_name = config.node_name;
    served.node = node;
    served.figures = telemetry.figures;
    served.list_devices = [count = config.serving.virtual_devices] {
      return list_devices(count);
    };
    auto start = [&system, served] { return system.spawn(supervisor, served); };
    options.models.push_back({model.name, start(), start});
  }
  options.node = node;
  options.node_name = config.node_name;
  auto result = system.spawn(gateway, std::move(options));
  try {
    if (has_processes)
      *port = open_local_door(result);
    if (config.cluster.listen)
      log_event(log_level::info, "cluster_listening",
                {{"address", config.cluster.listen.host},
                 {"port", open_cluster_door(result, config.cluster)}});
  } catch (...) {
    // Nobody has the gateway yet who could end it.
    caf::anon_send_exit(result, caf::exit_reason::user_shutdown);
    throw;
  }
  return result;
}

} // namespace model_server
