// What a supervisor decides, without sending anything.
#include "actors/supervisor.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

// When to try again while a model is being loaded, which nobody knows better.
constexpr auto load_guess = std::chrono::seconds{5};

} // namespace

supervisor_state::~supervisor_state() {
  // Whoever waits has nobody else who would answer.
  for (auto* list : {&entities, &departing})
    for (auto& item : *list)
      if (item.asked.pending())
        item.asked.deliver(to_error(has_failed()));
  if (options.legacy)
    *options.legacy = {std::move(entities), std::move(departing),
                       last_incarnation, router};
}

node_actor supervisor_state::node_of(const entity& item) const {
  if (item.node == options.node_name)
    return options.node;
  for (const auto& other : nodes)
    if (other.name == item.node)
      return other.node;
  return {};
}

std::vector<device_info> supervisor_state::devices() const {
  auto result = options.list_devices();
  for (const auto& other : nodes)
    result.insert(result.end(), other.devices.begin(), other.devices.end());
  return result;
}

entity* supervisor_state::of_incarnation(std::uint64_t incarnation) {
  for (auto& item : entities)
    if (item.incarnation == incarnation)
      return &item;
  return nullptr;
}

entity* supervisor_state::best_for(const prompt_trail& trail) {
  entity* best = nullptr;
  std::uint64_t least = 0;
  for (auto& item : entities) {
    if (!item.can_serve())
      continue;
    auto burden = item.burden(trail);
    if (best && burden >= least)
      continue;
    best = &item;
    least = burden;
  }
  return best;
}

const entity* supervisor_state::unlike(std::uint64_t identity) const {
  for (const auto& item : entities)
    if (item.has_served && item.state != entity_state::failed && identity != 0
        && item.identity != 0 && item.identity != identity)
      return &item;
  return nullptr;
}

entity* supervisor_state::to_remove(const std::string& device) {
  entity* result = nullptr;
  for (auto& item : entities)
    if (!item.is_leaving && (device.empty() || item.device == device))
      result = &item;
  return result;
}

std::size_t supervisor_state::staying() const {
  auto stays = [](const entity& item) {
    return !item.is_leaving && item.state != entity_state::failed;
  };
  return static_cast<std::size_t>(
      std::count_if(entities.begin(), entities.end(), stays));
}

bool supervisor_state::has_other_than(const entity& item) const {
  return std::any_of(entities.begin(), entities.end(),
                     [&](const entity& other) {
                       return &other != &item && other.can_serve();
                     });
}

failure supervisor_state::no_worker(entity::time_point now) const {
  using std::chrono::ceil;
  using std::chrono::seconds;
  if (staying() == 0) {
    auto result = not_active();
    result.retry_after = static_cast<std::uint32_t>(load_guess.count());
    return result;
  }
  auto soonest = load_guess;
  for (const auto& item : entities)
    if (item.state == entity_state::restarting)
      soonest = std::min(soonest, ceil<seconds>(item.restart_at - now));
  soonest = std::max(soonest, seconds{1});
  return {errc::model_loading,
          fmt::format("'{}' is being loaded", options.model.name), "",
          static_cast<std::uint32_t>(soonest.count())};
}

failure supervisor_state::not_active() const {
  std::string why = "it has no device";
  for (const auto& item : entities)
    if (item.state == entity_state::failed)
      why =
          fmt::format("it was given up on '{}': {}", item.device, item.reason);
  return {errc::model_not_active,
          fmt::format("'{}' is not active: {}", options.model.name, why), "",
          0};
}

failure supervisor_state::nothing_on(const std::string& device) const {
  std::string names;
  for (const auto& item : entities)
    if (!item.is_leaving)
      names += (names.empty() ? "" : ", ") + item.device;
  return {errc::no_such_device,
          fmt::format("'{}' has no entity on '{}'; it has: {}",
                      options.model.name, device, names),
          "device", 0};
}

failure supervisor_state::does_not_load(const std::string& device,
                                        const std::string& why) const {
  return {errc::load_failed,
          fmt::format("'{}' does not load on '{}': {}", options.model.name,
                      device, why),
          "", 0};
}

failure supervisor_state::removed_early(const std::string& device) const {
  return {errc::model_not_active,
          fmt::format("'{}' was removed from '{}' before it was ready",
                      options.model.name, device),
          "", 0};
}

failure supervisor_state::removed_last() const {
  return {
      errc::model_not_active,
      fmt::format("'{}' was removed from its last device", options.model.name),
      "", 0};
}

failure supervisor_state::has_failed() const {
  return {errc::internal_error,
          fmt::format("the supervisor of '{}' failed and was started again; "
                      "the status tells what became of this",
                      options.model.name),
          "", 0};
}

failure supervisor_state::is_stopping() const {
  return {errc::shutting_down, "the server is stopping", "", 5};
}

model_status supervisor_state::status() const {
  model_status result;
  result.name = options.model.name;
  result.entry = options.model.entry;
  auto batch_size = options.model.batch_size;
  result.batch_size = batch_size ? batch_size : options.serving.batch_size;
  auto ready = 0, broken = 0;
  for (const auto& item : entities) {
    result.entities.push_back(item.status());
    ready += item.can_serve();
    broken += item.state == entity_state::restarting
              || item.state == entity_state::failed;
  }
  if (ready > 0)
    result.state = broken > 0 ? model_state::degraded : model_state::ready;
  else if (staying() > 0)
    result.state = model_state::loading;
  return result;
}

} // namespace model_server
