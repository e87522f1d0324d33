// Which device a new entity gets.
#pragma once

#include "actors/errors.hpp"
#include "models/devices.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace model_server {

/// What the choice is made from.
struct device_choice {
  /// As the client named it: `cpu`, `cuda:0`, `cuda` for the next free one,
  /// `node/cuda:0`; empty leaves it to the server.
  std::string wanted;
  /// Of this machine, as `list_devices` gives them.
  std::vector<device_info> devices;
  /// Those that have an entity of the model already.
  std::vector<std::string> in_use;
  /// Names in errors, and the node whose prefix is ours.
  std::string model;
  std::string node;
};

/// The device to use, by the rules of the HTTP contract, or what to answer.
/// Without a wish: the free accelerator with the most memory left, else the
/// first free one of the others, `cpu` before the virtual ones.
std::variant<std::string, failure> choose_device(const device_choice& choice);

/// The node that a device's name says, or else `local`.
std::string node_of_device(std::string_view name, std::string_view local);

/// A device's name without our own node's prefix.
std::string local_device(std::string_view name, std::string_view node);

} // namespace model_server
