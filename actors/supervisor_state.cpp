// What a supervisor decides, without sending anything.
#include "actors/supervisor.hpp"

#include "config/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

// When to try again while a model is being loaded, which nobody knows better.
constexpr auto load_guess = std::chrono::seconds{5};

} // namespace

supervisor_state::~supervisor_state() {
  // Whoever waits has nobody else who would answer; replies ask again when
  // another supervisor is there.
  auto lost = to_error({errc::worker_lost, has_failed().message, "", 0});
  for (auto& call : demand.take_all())
    call.refuse(lost);
  for (auto& promise : unloads)
    promise.deliver(false);
  for (auto* list : {&entities, &departing})
    for (auto& item : *list)
      if (item.asked.pending())
        item.asked.deliver(to_error(has_failed()));
  if (options.legacy)
    *options.legacy = {std::move(entities), std::move(departing),
                       last_incarnation,    router,
                       std::move(setting),  setting_number};
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

entity* supervisor_state::best_for(const prompt_trail& trail,
                                   const model_version& begun) {
  entity* best = nullptr;
  std::uint64_t least = 0;
  for (auto& item : entities) {
    if (!item.can_serve() || !begun.goes_on_with(item.version()))
      continue;
    auto burden = item.burden(trail);
    if (best && burden >= least)
      continue;
    best = &item;
    least = burden;
  }
  return best;
}

const entity* supervisor_state::unlike(const model_version& version) const {
  auto identity = version.identity;
  for (const auto& item : entities)
    if (item.has_served && item.state != entity_state::failed && identity != 0
        && item.setting_number == version.setting && item.identity != 0
        && item.identity != identity)
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
                       return &other != &item && other.can_serve()
                              && item.version().goes_on_with(other.version());
                     });
}

bool supervisor_state::serves_nothing() const {
  return std::ranges::none_of(entities, &entity::can_serve);
}

bool supervisor_state::has_failed_entity() const {
  return std::ranges::count(entities, entity_state::failed, &entity::state) > 0;
}

bool supervisor_state::is_settled() const {
  return ending.empty() && departing.empty()
         && std::ranges::none_of(entities, &entity::is_leaving);
}

bool supervisor_state::loads_on_demand() const {
  return setting->load.value_or(options.serving.load) == load_mode::on_demand;
}

bool supervisor_state::is_idle() const {
  auto has_work = [](const entity& item) {
    return item.state != entity_state::failed && !item.is_idle();
  };
  return demand.empty() && !asks_for_room && departing.empty() && staying() > 0
         && std::ranges::none_of(entities, has_work);
}

std::chrono::milliseconds
supervisor_state::keep_alive_of(const entity& item) const {
  auto usual = item.is_on_demand ? options.serving.keep_alive : for_ever;
  return setting->keep_alive.value_or(usual);
}

std::chrono::milliseconds supervisor_state::shortest_keep_alive() const {
  auto result = for_ever;
  for (const auto& item : entities) {
    auto keep_alive = keep_alive_of(item);
    if (keep_alive != for_ever && (result == for_ever || keep_alive < result))
      result = keep_alive;
  }
  return result;
}

std::uint32_t supervisor_state::batch_size(const model_setting& model) const {
  return model.batch_size ? model.batch_size : options.serving.batch_size;
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

failure supervisor_state::no_worker_of(const model_version& begun,
                                       entity::time_point now) const {
  auto is_of_it = [&](const entity& item) {
    return begun.goes_on_with(item.version());
  };
  if (staying() == 0 || std::ranges::any_of(entities, is_of_it))
    return no_worker(now);
  return {errc::worker_lost,
          fmt::format("the setting of '{}' was changed, and no worker is left "
                      "that this reply could go on with",
                      options.model.name),
          "", 0};
}

failure supervisor_state::too_many_wait() const {
  return {errc::queue_full,
          fmt::format("{} calls wait for '{}' to be loaded, the limit is {}",
                      demand.size(), options.model.name,
                      options.serving.max_queued),
          "", static_cast<std::uint32_t>(load_guess.count())};
}

failure supervisor_state::waited_too_long() const {
  return {errc::model_loading,
          fmt::format("'{}' was not loaded within the limit of {}",
                      options.model.name,
                      show_duration(options.serving.load_timeout)),
          "", static_cast<std::uint32_t>(load_guess.count())};
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

failure supervisor_state::was_changed() const {
  return {errc::model_not_active,
          fmt::format("the setting of '{}' was changed, and this reply took "
                      "longer than the limit of {} since then",
                      options.model.name,
                      show_duration(options.serving.drain_timeout)),
          "", 1};
}

failure supervisor_state::was_removed() const {
  return {errc::model_not_found,
          fmt::format("'{}' was removed from the configuration",
                      options.model.name),
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

model_status supervisor_state::status(entity::time_point now) const {
  model_status result;
  result.name = options.model.name;
  result.entry = setting->entry;
  result.batch_size = batch_size(*setting);
  result.loads_on_demand = loads_on_demand();
  result.is_removed = is_retired;
  auto usual = loads_on_demand() ? options.serving.keep_alive : for_ever;
  result.keep_alive = setting->keep_alive.value_or(usual).count();
  if (auto time = idle.idle_for(now))
    result.idle = time->count();
  auto ready = 0, broken = 0;
  for (const auto& item : entities) {
    result.entities.push_back(item.status());
    ready += item.can_serve();
    broken += item.state == entity_state::restarting
              || item.state == entity_state::failed;
  }
  if (ready > 0)
    result.state = broken > 0 ? model_state::degraded : model_state::ready;
  else if (staying() > 0 || asks_for_room)
    result.state = model_state::loading;
  return result;
}

} // namespace model_server
