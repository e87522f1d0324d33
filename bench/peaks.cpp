// What this machine gives at best, as a line of JSON: how fast memory is read,
// and what the fastest kernels could compute.
#include "limits.hpp"
#include "read_limit.hpp"

#include "models/kernels/packed_product.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace model_server;

int main(int argc, char** argv) {
  auto threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: %s THREADS\n", argv[0]);
    return 2;
  }
  auto& kernels = best_kernels();
  huge_memory memory{std::size_t{256} << 20};
  auto reading = read_rate(memory.data, memory.bytes, threads, 15);
  // One thread's, times the threads: where two share a core it is too much.
  auto peak = [&](packed_format format) {
    return operations_a_second(kernels.packed->name, format) * threads;
  };
  std::printf("{\"form\": \"%s\", \"read\": %.4g, \"int8\": %.4g, "
              "\"int4\": %.4g, \"bf16\": %.4g}\n",
              kernels.packed->name, reading, peak(packed_format::int8),
              peak(packed_format::int4), peak(packed_format::bf16));
}
