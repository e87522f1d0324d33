// Finds devices.
#include "models/devices.hpp"

#include "models/free_memory.hpp"
#include "models/torch/torch_backend.hpp"

#include "config/logging.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <stdexcept>

#include <dlfcn.h>

namespace model_server {

namespace {

// Whether the driver of some accelerator is here. Without one there is no need
// to ask libtorch.
bool has_driver() {
  static const bool result = [] {
    std::error_code ignored;
    return ::dlopen("libcuda.so.1", RTLD_LAZY) != nullptr
           || std::filesystem::exists("/dev/kfd", ignored); // AMD's
  }();
  return result;
}

std::vector<device_info> list_accelerators() {
  if (!has_driver())
    return {};
  try {
    return libtorch().list_accelerators();
  } catch (const std::exception& error) {
    static std::once_flag told;
    std::call_once(told, [&] {
      log_event(log_level::warning, "no_accelerators",
                {{"reason", std::string{error.what()}}});
    });
    return {};
  }
}

} // namespace

std::vector<device_info> list_devices(unsigned virtual_devices) {
  auto result = list_accelerators();
  auto free = free_memory().value_or(0);
  result.push_back({"cpu", false, free});
  for (unsigned i = 0; i < virtual_devices; ++i)
    result.push_back({fmt::format("virtual:{}", i), false, free});
  return result;
}

std::string torch_device_name(const std::string& device) {
  if (device == "cpu" || device.starts_with("virtual:"))
    return "cpu";
  auto known = list_devices(0);
  if (std::ranges::find(known, device, &device_info::name) != known.end())
    return device;
  std::vector<std::string> names;
  for (auto& item : known)
    names.push_back(item.name);
  throw std::runtime_error(fmt::format("there is no device `{}` here, only {}",
                                       device, fmt::join(names, ", ")));
}

} // namespace model_server
