// Other machines: they join, are lost and come back.
#include "actors/supervisor_parts.hpp"

#include "config/logging.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

std::vector<device_info> devices_of(const node_here& hello) {
  std::vector<device_info> result;
  for (const auto& device : hello.devices)
    result.push_back({hello.name + '/' + device.name, device.is_accelerator,
                      device.free_bytes});
  return result;
}

} // namespace

void take_node(supervisor_pointer self, const node_here& hello,
               const node_actor& node) {
  auto& state = self->state;
  if (std::ranges::count(hello.models, state.options.model.name) == 0)
    return;
  auto found = std::ranges::find(state.nodes, hello.name, &joined_node::name);
  if (found != state.nodes.end() && found->node == node) {
    found->devices = devices_of(hello);
    return;
  }
  // The same machine after a new start: what it had before is gone.
  if (found != state.nodes.end())
    state.nodes.erase(found);
  self->monitor(node);
  state.nodes.push_back({hello.name, node, devices_of(hello)});
  for (auto& item : state.entities) {
    if (item.node != hello.name)
      continue;
    if (item.state == entity_state::restarting)
      restart(self, item);
    else if (item.has_worker()) // of the supervisor before this one
      order_worker(self, item);
  }
}

void lose_node(supervisor_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  auto found = std::ranges::find_if(
      state.nodes, [&](const auto& item) { return item.node == down.source; });
  if (found == state.nodes.end())
    return;
  auto name = found->name;
  state.nodes.erase(found);
  // What they still have there is lost with it.
  std::erase_if(state.ending,
                [&](const auto& item) { return item.second == name; });
  std::vector<std::uint64_t> lost;
  for (const auto& item : state.entities)
    if (item.node == name && item.has_worker())
      lost.push_back(item.incarnation);
  for (auto incarnation : lost)
    on_end(self, {incarnation,
                  {errc::worker_lost, "its machine is out of reach", "", 0},
                  {}});
}

} // namespace model_server
