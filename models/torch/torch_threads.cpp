// Sets the threads of libtorch and of OpenBLAS.
#include "models/torch/torch_threads.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include <dlfcn.h>
#include <sched.h>

namespace model_server {

void set_torch_threads(int count) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0)
    count = std::min(count, CPU_COUNT(&cores));
  count = std::max(count, 1);
  at::set_num_threads(count);
  // Not linked by name: the BLAS is whatever the system put under libtorch.
  using setter = void (*)(int);
  if (auto set = reinterpret_cast<setter>(
          ::dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(count);
}

} // namespace model_server
