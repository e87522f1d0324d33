// Starts the actors of a process from its settings.
#include "actors/serving.hpp"

#include "actors/gateway.hpp"
#include "actors/memory_watch.hpp"
#include "actors/network.hpp"
#include "actors/node_parts.hpp"
#include "actors/process_node.hpp"
#include "actors/reloader.hpp"
#include "actors/request_history.hpp"
#include "actors/supervisor.hpp"
#include "actors/thread_node.hpp"
#include "config/config_file.hpp"
#include "config/logging.hpp"
#include "config/model_files.hpp"
#include "models/free_memory.hpp"
#include "models/model_catalog.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

constexpr auto shortest_pulse = std::chrono::milliseconds{10};

/// Between two tries to listen where another process still does.
constexpr auto port_pause = std::chrono::milliseconds{200};

worker_actor spawn_on_own_thread(caf::actor_system& system,
                                 worker_options options) {
  return system.spawn<caf::detached>(worker, std::move(options));
}

node_actor start_thread_node(caf::actor_system& system,
                             const settings& config) {
  thread_node_options options;
  options.make_entry = [](const start_worker& order, const load_watch& watch) {
    auto model =
        parse_config(order.setting, "the order of a worker", entry_names())
            .at(0);
    return make_entry(model.entry, {model.params, order.device, watch});
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

// How the supervisor of each model is started, those of later ones too.
std::function<served_model(const model_setting&)>
model_starter(caf::actor_system& system, const settings& config,
              const node_actor& node, const telemetry_sinks& telemetry) {
  supervisor_options common;
  common.serving = config.serving;
  common.node_name = config.node_name;
  common.node = node;
  common.figures = telemetry.figures;
  common.list_devices = [count = config.serving.virtual_devices] {
    return list_devices(count);
  };
  common.estimate_memory = [](const model_setting& model) {
    return estimate_memory(model.entry, model.params);
  };
  return [&system, common](const model_setting& model) {
    auto options = common;
    options.model = model;
    options.legacy = std::make_shared<supervisor_legacy>();
    auto start = [&system, options] {
      return system.spawn(supervisor, options);
    };
    return served_model{model.name, start(), start};
  };
}

std::uint64_t memory_reserve(const settings& config) {
  auto wanted = config.serving.memory_reserve_bytes;
  return wanted != 0 ? wanted
                     : usual_memory_reserve(total_memory().value_or(0));
}

memory_keeper_options memory_of_machine(const settings& config) {
  memory_keeper_options result;
  result.node_name = config.node_name;
  result.list_devices = [] { return list_devices(0); };
  result.cpu_memory = total_memory().value_or(0);
  result.cpu_reserve = memory_reserve(config);
  if (auto limit = config.serving.cpu_memory_bytes)
    result.cpu_memory =
        result.cpu_memory == 0 ? limit : std::min(limit, result.cpu_memory);
  return result;
}

void watch_memory(caf::actor_system& system, const settings& config,
                  const gateway_actor& gateway,
                  std::shared_ptr<figures> counted,
                  std::shared_ptr<memory_gauge> gauge) {
  memory_watch_options options;
  options.gateway = gateway;
  options.measure = []() -> std::optional<std::uint64_t> {
    return spare_memory();
  };
  options.reserve = memory_reserve(config);
  options.gauge = std::move(gauge);
  options.counted = std::move(counted);
  system.spawn<caf::detached>(memory_watch, std::move(options));
}

// On a thread of its own, which waits for the disk.
reloader_actor start_reloader(caf::actor_system& system, const settings& config,
                              const gateway_actor& gateway) {
  reloader_options options;
  options.gateway = gateway;
  options.models = config.models;
  options.read = [files = config.files,
                  around = process_surroundings(entry_names())]() mutable {
    return find_models(files, around);
  };
  options.check = [](const model_setting& model) {
    check_params(model.entry, model.params);
  };
  return system.spawn<caf::detached>(reloader, std::move(options));
}

void open_cluster(const gateway_actor& gateway,
                  const cluster_settings& cluster) {
  log_event(log_level::info, "cluster_listening",
            {{"address", cluster.listen.host},
             {"port", open_cluster_door(gateway, cluster)}});
}

// Opens the cluster's port as soon as the process before this one has ended.
caf::behavior open_cluster_later(caf::event_based_actor* self,
                                 const gateway_actor& gateway,
                                 const cluster_settings& cluster) {
  self->monitor(gateway);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->send(self, tick_atom::value);
  return {[=](tick_atom) {
    try {
      open_cluster(gateway, cluster);
      self->quit();
    } catch (const std::runtime_error&) {
      self->delayed_send(self, port_pause, tick_atom::value);
    }
  }};
}

} // namespace

telemetry_sinks start_telemetry(caf::actor_system& system) {
  return {std::make_shared<figures>(),
          system.spawn(request_history, request_history_options{})};
}

gateway_actor start_serving(caf::actor_system& system, const settings& config,
                            const telemetry_sinks& telemetry,
                            const std::shared_ptr<memory_gauge>& memory,
                            bool is_successor) {
  gateway_options options;
  // A quarter of what it has to keep, so that nothing is late by much.
  auto kept =
      std::min(config.http.ping_interval, config.serving.request_timeout);
  options.pulse = std::clamp(kept / 4, shortest_pulse, options.pulse);
  auto has_processes = config.serving.workers == isolation::process;
  auto port = std::make_shared<std::uint16_t>();
  auto node = has_processes ? start_process_node(system, config, port)
                            : start_thread_node(system, config);
  options.start_model = model_starter(system, config, node, telemetry);
  for (const auto& model : config.models)
    options.models.push_back(options.start_model(model));
  options.memory = memory_of_machine(config);
  options.gauge = memory;
  options.node = node;
  options.node_name = config.node_name;
  for (const auto& device : list_devices(config.serving.virtual_devices))
    options.devices.push_back(device.name);
  auto result = system.spawn(gateway, std::move(options));
  try {
    if (has_processes)
      *port = open_local_door(result);
    if (config.cluster.listen && is_successor)
      system.spawn<caf::detached>(open_cluster_later, result, config.cluster);
    else if (config.cluster.listen)
      open_cluster(result, config.cluster);
  } catch (...) {
    // Nobody has the gateway yet who could end it.
    caf::anon_send_exit(result, caf::exit_reason::user_shutdown);
    throw;
  }
  caf::anon_send(result, start_reloader(system, config, result));
  watch_memory(system, config, result, telemetry.figures, memory);
  return result;
}

} // namespace model_server
