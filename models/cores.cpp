// Asks the system for the cores of this process.
#include "models/cores.hpp"

#include <algorithm>
#include <thread>

#include <sched.h>

namespace model_server {

int usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  auto count = ::sched_getaffinity(0, sizeof(cores), &cores) == 0
                   ? CPU_COUNT(&cores)
                   : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(count, 1);
}

} // namespace model_server
