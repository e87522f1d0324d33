// Finds accelerators, and measures whether the BLAS is a fast one.
#include "models/torch/module.hpp"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include <dlfcn.h>

namespace model_server {

namespace {

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

} // namespace

std::vector<device_info> list_torch_accelerators() {
  std::vector<device_info> result;
  if (!at::globalContext().hasCUDA())
    return result;
  auto count = static_cast<int>(at::detail::getCUDAHooks().getNumGPUs());
  for (int i = 0; i < count; ++i)
    result.push_back({fmt::format("cuda:{}", i), true, free_cuda_memory(i)});
  return result;
}

double measure_torch_blas() {
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
