// Finds devices, and measures whether the BLAS is a fast one.
#include "models/devices.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include <dlfcn.h>

namespace model_server {

namespace {

// What the kernel says can be had without swapping; 0 if it does not say.
std::uint64_t free_memory() {
  std::ifstream file{"/proc/meminfo"};
  std::string key, unit;
  std::uint64_t kibibytes = 0;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:")
      return kibibytes * 1024;
    std::getline(file, unit);
  }
  return 0;
}

// CUDA's runtime is there only below a libtorch that was built with it, so it
// is called by name.
std::uint64_t free_cuda_memory(int device) {
  auto symbol = [](const char* name) { return ::dlsym(RTLD_DEFAULT, name); };
  auto get = reinterpret_cast<int (*)(int*)>(symbol("cudaGetDevice"));
  auto set = reinterpret_cast<int (*)(int)>(symbol("cudaSetDevice"));
  auto ask = reinterpret_cast<int (*)(std::size_t*, std::size_t*)>(
      symbol("cudaMemGetInfo"));
  int before = 0;
  std::size_t free = 0, total = 0;
  if (get == nullptr || set == nullptr || ask == nullptr || get(&before) != 0
      || set(device) != 0)
    return 0;
  auto failed = ask(&free, &total) != 0;
  set(before);
  return failed ? 0 : free;
}

int cuda_device_count() {
  if (!at::globalContext().hasCUDA())
    return 0;
  return static_cast<int>(at::detail::getCUDAHooks().getNumGPUs());
}

} // namespace

std::vector<device_info> list_devices(unsigned virtual_devices) {
  std::vector<device_info> result;
  for (int i = 0; i < cuda_device_count(); ++i)
    result.push_back({fmt::format("cuda:{}", i), true, free_cuda_memory(i)});
  auto free = free_memory();
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

double measure_blas_gflops() {
  using clock = std::chrono::steady_clock;
  constexpr int size = 160;
  c10::InferenceMode guard;
  auto a = at::ones({size, size}), b = at::ones({size, size});
  auto c = at::mm(a, b); // wakes up threads
  // The best of a few: another process may be running.
  auto best = clock::duration::max();
  auto end = clock::now() + std::chrono::milliseconds{6};
  do {
    auto begin = clock::now();
    at::mm_out(c, a, b);
    best = std::min(best, clock::now() - begin);
  } while (clock::now() < end);
  auto seconds = std::chrono::duration<double>(best).count();
  return 2.0 * size * size * size / std::max(seconds, 1e-9) * 1e-9;
}

} // namespace model_server
