// Where models can run on this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace model_server {

/// One place a model can run.
struct device_info {
  /// `cpu`, `cuda:0`, or `virtual:0` (the CPU under another name).
  std::string name;
  /// An accelerator is preferred to a CPU when the client names no device.
  bool is_accelerator = false;
  std::uint64_t free_bytes = 0;

  friend bool operator==(const device_info&, const device_info&) = default;
};

/// The devices of this machine, accelerators first, then `cpu`, then as many
/// `virtual:N` as asked for. Safe from any thread.
std::vector<device_info> list_devices(unsigned virtual_devices);

/// What libtorch calls a device: `virtual:N` is its `cpu`. Throws
/// `std::runtime_error` that lists the devices if this one is not there.
std::string torch_device_name(const std::string& device);

} // namespace model_server
