// Finds the kernels that this processor can run.
#include "models/kernels/kernel_set.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

extern const kernel_set portable_kernels;
#if defined(__x86_64__)
extern const kernel_set avx2_kernels;
extern const kernel_set avx512_kernels;
extern const kernel_set avx512_kernels_without_vnni;
#endif

namespace {

const kernel_set& kernels_named(std::string_view name) {
  if (name != "avx512" && name != "avx2" && name != "plain")
    throw std::runtime_error("MODEL_SERVER_ISA is '" + std::string{name}
                             + "', but knows only avx512, avx2 and plain");
  for (auto kernels : usable_kernels())
    if ((name == "plain" ? "portable" : name) == kernels->name)
      return *kernels;
  throw std::runtime_error("MODEL_SERVER_ISA is '" + std::string{name}
                           + "', which this processor cannot run");
}

} // namespace

std::span<const kernel_set* const> usable_kernels() {
  static const auto result = [] {
    std::vector<const kernel_set*> list;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
      list.push_back(__builtin_cpu_supports("avx512vnni")
                         ? &avx512_kernels
                         : &avx512_kernels_without_vnni);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("f16c"))
      list.push_back(&avx2_kernels);
#endif
    list.push_back(&portable_kernels);
    return list;
  }();
  return result;
}

const kernel_set& best_kernels() {
  if (auto name = std::getenv("MODEL_SERVER_ISA"); name != nullptr)
    return kernels_named(name);
  return *usable_kernels().front();
}

} // namespace model_server
