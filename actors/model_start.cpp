// Checks and carries out what the command line says about models.
#include "actors/model_start.hpp"

#include "actors/device_choice.hpp"
#include "config/logging.hpp"
#include "models/devices.hpp"
#include "models/model_catalog.hpp"

#include <caf/event_based_actor.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>
#include <variant>
#include <vector>

namespace model_server {

namespace {

/// Between two looks for a machine that is to join.
constexpr auto node_pause = std::chrono::seconds{1};

bool is_elsewhere(const std::string& device, const std::string& local) {
  return node_of_device(device, local) != local;
}

/// What is left to be done at a start.
struct start_state {
  gateway_actor gateway;
  start_events events;
  std::size_t missing = 0;
  std::size_t loaded = 0;
};

using start_pointer = caf::stateful_actor<start_state>*;

void settle(start_state& state) {
  if (state.missing == 0)
    state.events.settled(state.loaded == 0);
}

void log_failure(const add_device& order, const caf::error& reason) {
  auto why = describe(reason);
  log_event(
      log_level::error, "model_not_started",
      {{"model", order.model}, {"device", order.device}, {"reason", why}});
}

void add_here(start_pointer self, const add_device& order) {
  self->request(self->state.gateway, caf::infinite, order)
      .then(
          [=](const device_report& report) {
            auto& state = self->state;
            state.events.ready(order.model, report.device);
            ++state.loaded;
            --state.missing;
            settle(state);
          },
          [=](const caf::error& reason) {
            log_failure(order, reason);
            --self->state.missing;
            settle(self->state);
          });
}

// Asks again until the device's machine has joined.
void add_elsewhere(start_pointer self, const add_device& order) {
  self->request(self->state.gateway, caf::infinite, order)
      .then(
          [=](const device_report& report) {
            self->state.events.ready(order.model, report.device);
          },
          [=](const caf::error& reason) {
            if (to_failure(reason).code == errc::no_such_device)
              self->delayed_send(self, node_pause, order);
            else if (is_failure(reason))
              log_failure(order, reason);
          });
}

caf::behavior start_all(start_pointer self, const settings& config,
                        const start_state& begin) {
  self->state = begin;
  // The gateway's end is the end of waiting for machines.
  self->monitor(begin.gateway);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  for (const auto& model : config.models)
    for (const auto& device : model.start_devices)
      if (!is_elsewhere(device, config.node_name))
        ++self->state.missing;
  auto has_none = self->state.missing == 0;
  for (const auto& model : config.models)
    for (const auto& device : model.start_devices) {
      add_device order{model.name, device, true};
      if (is_elsewhere(device, config.node_name))
        add_elsewhere(self, order);
      else
        add_here(self, order);
    }
  if (has_none)
    self->state.events.settled(false);
  return {[self](const add_device& order) { add_elsewhere(self, order); }};
}

} // namespace

void check_start(const settings& config) {
  for (const auto& model : config.models) {
    if (model.start_devices.empty())
      continue;
    device_choice choice;
    choice.devices = list_devices(config.serving.virtual_devices);
    choice.model = model.name;
    choice.node = config.node_name;
    for (const auto& device : model.start_devices) {
      if (is_elsewhere(device, config.node_name) && config.cluster.listen)
        continue;
      choice.wanted = device;
      auto chosen = choose_device(choice);
      if (const auto* why = std::get_if<failure>(&chosen))
        throw config_error(
            fmt::format("model {}: {}", model.name, why->message));
      choice.in_use.push_back(std::get<std::string>(std::move(chosen)));
    }
    try {
      check_params(model.entry, model.params);
    } catch (const config_error& problem) {
      throw config_error(
          fmt::format("model {}: {}", model.name, problem.what()));
    }
  }
}

void start_models(caf::actor_system& system, const gateway_actor& gateway,
                  const settings& config, start_events events) {
  system.spawn(start_all, config, start_state{gateway, std::move(events)});
}

std::string devices_in_use(const server_status& status,
                           const std::string& local) {
  std::string result;
  for (const auto& model : status.models)
    for (const auto& entity : model.entities)
      if (entity.state != entity_state::leaving
          && entity.state != entity_state::failed)
        result += fmt::format("{} {}{}{}\n", model.name,
                              entity.node == local ? "" : entity.node,
                              entity.node == local ? "" : "/", entity.device);
  return result;
}

void take_devices(settings& config, const std::string& devices) {
  for (auto& model : config.models)
    model.start_devices.clear();
  std::istringstream lines{devices};
  std::string name, device;
  while (lines >> name >> device) {
    auto model = std::ranges::find(config.models, name, &model_setting::name);
    if (model != config.models.end()) // else it is configured no more
      model->start_devices.push_back(device);
  }
}

} // namespace model_server
