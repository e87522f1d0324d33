// Finds the kernels that this processor can run.
#include "models/kernels/kernel_set.hpp"

#include <vector>

namespace model_server {

extern const kernel_set portable_kernels;
#if defined(__x86_64__)
extern const kernel_set avx2_kernels;
extern const kernel_set avx512_kernels;
#endif

std::span<const kernel_set* const> usable_kernels() {
  static const auto result = [] {
    std::vector<const kernel_set*> list;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
      list.push_back(&avx512_kernels);
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
  return *usable_kernels().front();
}

} // namespace model_server
