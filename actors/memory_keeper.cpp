// The memory keeper actor: finds memory for models that are loaded on demand.
#include "actors/memory_keeper.hpp"

#include "config/logging.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace model_server {

namespace {

using keeper_pointer =
    memory_keeper_actor::stateful_pointer<memory_keeper_state>;

// When the models that have the memory may have done what they do.
constexpr std::uint32_t busy_guess = 10;

std::string shown(std::uint64_t bytes) {
  constexpr double mega = 1 << 20;
  return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / mega);
}

// As the front calls it.
std::string device_of(const entity_status& item, const std::string& node) {
  return item.node == node ? item.device : item.node + '/' + item.device;
}

// What of its memory it has not taken yet, and so is not seen by the system.
std::uint64_t still_to_come(const entity_status& item) {
  if (item.state != entity_state::loading)
    return 0;
  return static_cast<std::uint64_t>(static_cast<double>(item.bytes)
                                    * (1 - item.loaded));
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
  return a - std::min(a, b);
}

void work(keeper_pointer self);

void answer_first(keeper_pointer self, const room& found) {
  self->state.questions.front().answer.deliver(found);
  self->state.questions.pop_front();
  work(self);
}

void answer_first(keeper_pointer self, caf::error why) {
  self->state.questions.front().answer.deliver(std::move(why));
  self->state.questions.pop_front();
  work(self);
}

// Has an idle model go; `then` hears whether it has, or is needed again.
template <class Then>
void unload(keeper_pointer self, const idle_model& victim, std::string_view why,
            Then then) {
  log_event(log_level::info, "evicting",
            {{"model", victim.name}, {"device", victim.device}, {"for", why}});
  self->request(self->state.gateway, caf::infinite, unload_model{victim.name})
      .then([=](bool is_gone) { then(is_gone); },
            [=](const caf::error&) { then(false); });
}

void evict(keeper_pointer self, const idle_model& victim) {
  auto& first = self->state.questions.front();
  first.asked.insert(victim.name);
  // What holds then is looked at anew. Other machines tell what they have free
  // too seldom for that.
  unload(self, victim, first.order.model, [=](bool is_gone) {
    for (auto& device : self->state.questions.front().order.devices)
      if (is_gone && memory_of(device.name) == memory_of(victim.device))
        device.free_bytes += victim.bytes;
    work(self);
  });
}

void decide(keeper_pointer self, const server_status& status) {
  auto& state = self->state;
  const auto& order = state.questions.front().order;
  auto candidates = state.candidates(order, status);
  if (candidates.empty())
    return answer_first(
        self, to_error({errc::no_such_device,
                        "there is no device to load it on", "device", 0}));
  auto idle = state.idle_for_first(status);
  auto plan = plan_room(order.bytes, candidates, idle);
  if (const auto* nowhere = std::get_if<no_room>(&plan))
    return answer_first(self, to_error(state.refusal(order, *nowhere)));
  const auto& found = std::get<room_plan>(plan);
  if (found.evicted.empty())
    return answer_first(self, room{found.device});
  evict(self,
        *std::ranges::find(idle, found.evicted.front(), &idle_model::name));
}

void work(keeper_pointer self) {
  if (self->state.questions.empty())
    return;
  self->request(self->state.gateway, caf::infinite, get_status{})
      .then([=](const server_status& status) { decide(self, status); },
            [=](caf::error& why) { answer_first(self, std::move(why)); });
}

// Memory runs out, whoever takes it.
void reclaim(keeper_pointer self) {
  auto& state = self->state;
  if (!state.questions.empty() || std::exchange(state.is_reclaiming, true))
    return;
  auto end = [self] { self->state.is_reclaiming = false; };
  self->request(state.gateway, caf::infinite, get_status{})
      .then(
          [=](const server_status& status) {
            auto idle = self->state.idle_models(status);
            std::erase_if(idle, [](const auto& model) {
              return memory_of(model.device) != "cpu";
            });
            auto victim = std::ranges::max_element(
                idle, {}, &idle_model::idle_milliseconds);
            if (victim == idle.end())
              return end();
            unload(self, *victim, "lack of memory", [=](bool) { end(); });
          },
          [=](const caf::error&) { end(); });
}

} // namespace

std::vector<room_candidate>
memory_keeper_state::candidates(const make_room& order,
                                const server_status& status) const {
  auto devices = order.devices;
  if (options.list_devices)
    for (const auto& fresh : options.list_devices())
      for (auto& known : devices)
        if (known.name == fresh.name)
          known.free_bytes = fresh.free_bytes;
  std::vector<room_candidate> result;
  auto has_accelerator =
      std::ranges::count(devices, true, &node_device::is_accelerator) > 0;
  for (const auto& device : devices) {
    if (device.is_accelerator != has_accelerator
        || (!has_accelerator && !result.empty()))
      continue;
    // Mapped weights count as free for the system, so who has what is counted
    // here too.
    auto limit = device.name == "cpu" ? options.cpu_memory : 0;
    std::uint64_t taken = 0, coming = 0;
    for (const auto& model : status.models)
      for (const auto& item : model.entities)
        if (memory_of(device_of(item, options.node_name))
                == memory_of(device.name)
            && item.state != entity_state::failed) {
          taken += item.bytes;
          coming += still_to_come(item);
        }
    auto left = minus(device.free_bytes, coming);
    if (device.name == "cpu")
      left = minus(left, options.cpu_reserve);
    if (limit > 0)
      left = std::min(left, minus(limit, taken));
    result.push_back({device.name, left});
  }
  return result;
}

std::vector<idle_model>
memory_keeper_state::idle_models(const server_status& status) const {
  std::vector<idle_model> result;
  for (const auto& model : status.models) {
    if (model.idle < 0)
      continue;
    for (const auto& item : model.entities)
      if (item.is_on_demand && item.state == entity_state::ready)
        result.push_back({model.name, device_of(item, options.node_name),
                          item.bytes, model.idle});
  }
  return result;
}

std::vector<idle_model>
memory_keeper_state::idle_for_first(const server_status& status) const {
  const auto& first = questions.front();
  auto result = idle_models(status);
  std::erase_if(result, [&](const auto& model) {
    return model.name == first.order.model || first.asked.contains(model.name);
  });
  return result;
}

failure memory_keeper_state::refusal(const make_room& order,
                                     const no_room& best) const {
  return {errc::insufficient_memory,
          fmt::format("'{}' needs {} on '{}', where {} are free and {} could "
                      "be by unloading idle models",
                      order.model, shown(order.bytes), best.device,
                      shown(best.free_bytes), shown(best.evictable_bytes)),
          "", busy_guess};
}

memory_keeper_actor::behavior_type
memory_keeper(keeper_pointer self, gateway_actor gateway,
              memory_keeper_options options) {
  self->state.gateway = std::move(gateway);
  self->state.options = std::move(options);
  return {
      [self](make_room& order) -> caf::result<room> {
        auto& state = self->state;
        auto promise = self->make_response_promise<room>();
        state.questions.push_back({std::move(order), promise, {}});
        if (state.questions.size() == 1)
          work(self);
        return promise;
      },
      [self](reclaim_atom) { reclaim(self); },
  };
}

} // namespace model_server
