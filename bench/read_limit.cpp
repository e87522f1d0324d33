// Plain loops over a large memory, shared out among threads.
#include "read_limit.hpp"

#include "limits.hpp"

#include "models/kernels/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

huge_memory::huge_memory(std::size_t wanted) : bytes(wanted) {
  data = static_cast<std::byte*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (data == MAP_FAILED) {
    std::fputs("not enough memory\n", stderr);
    std::exit(1);
  }
  madvise(data, bytes, MADV_HUGEPAGE);
  std::memset(data, 1, bytes);
}

huge_memory::~huge_memory() {
  munmap(data, bytes);
}

double read_rate(const std::byte* data, std::size_t bytes, int threads,
                 int repeats) {
  model_server::thread_pool pool{threads};
  auto parts = static_cast<std::size_t>(threads);
  auto each = bytes / parts / 512 * 512;
  double best = 0.0;
  for (std::size_t streams : {1u, 4u, 8u})
    for (int i = 0; i < repeats; ++i) {
      auto begin = std::chrono::steady_clock::now();
      pool.run(parts, [&](std::size_t part) {
        read_all(data + part * each, each, streams);
      });
      std::chrono::duration<double> seconds =
          std::chrono::steady_clock::now() - begin;
      best =
          std::max(best, static_cast<double>(each * parts) / seconds.count());
    }
  return best;
}
