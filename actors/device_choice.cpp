// Which device a new entity gets.
#include "actors/device_choice.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

std::string names_of(const std::vector<device_info>& devices) {
  std::string result;
  for (const auto& device : devices)
    result += (result.empty() ? "" : ", ") + device.name;
  return result;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

failure no_such_device(const device_choice& choice) {
  return {errc::no_such_device,
          fmt::format("there is no device {} here; there are: {}",
                      quote(choice.wanted), names_of(choice.devices)),
          "device", 0};
}

std::variant<std::string, failure> choose_any(const device_choice& choice) {
  const device_info* best = nullptr;
  for (const auto& device : choice.devices) {
    if (contains(choice.in_use, device.name))
      continue;
    if (!best
        || (device.is_accelerator
            && (!best->is_accelerator || device.free_bytes > best->free_bytes)))
      best = &device;
  }
  if (best)
    return best->name;
  return failure{errc::device_in_use,
                 fmt::format("every device has an entity of '{}' already: {}",
                             choice.model, names_of(choice.devices)),
                 "device", 0};
}

// The next free device of a kind: `cuda` stands for `cuda:0`, `cuda:1`, ...
std::variant<std::string, failure> choose_of_kind(const device_choice& choice) {
  auto exists = false;
  for (const auto& device : choice.devices) {
    if (!device.name.starts_with(choice.wanted + ':'))
      continue;
    exists = true;
    if (!contains(choice.in_use, device.name))
      return device.name;
  }
  if (!exists)
    return no_such_device(choice);
  return failure{errc::device_in_use,
                 fmt::format("every device of kind '{}' has an entity of '{}' "
                             "already",
                             choice.wanted, choice.model),
                 "device", 0};
}

} // namespace

std::string local_device(std::string_view name, std::string_view node) {
  if (name.size() > node.size() && name.starts_with(node)
      && name[node.size()] == '/')
    name.remove_prefix(node.size() + 1);
  return std::string{name};
}

std::string node_of_device(std::string_view name, std::string_view local) {
  auto slash = name.find('/');
  return std::string{slash == name.npos ? local : name.substr(0, slash)};
}

std::variant<std::string, failure> choose_device(const device_choice& choice) {
  if (choice.wanted.empty())
    return choose_any(choice);
  auto wanted = local_device(choice.wanted, choice.node);
  auto is_wanted = [&](const auto& device) { return device.name == wanted; };
  if (std::none_of(choice.devices.begin(), choice.devices.end(), is_wanted)) {
    auto of_kind = choice;
    of_kind.wanted = wanted;
    return choose_of_kind(of_kind);
  }
  if (contains(choice.in_use, wanted))
    return failure{
        errc::device_in_use,
        fmt::format("'{}' has an entity on '{}' already", choice.model, wanted),
        "device", 0};
  return wanted;
}

} // namespace model_server
