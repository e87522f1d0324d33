// How fast memory can be read at best.
#pragma once

#include <cstddef>

/// Memory in huge pages where the system gives them, all of it written once;
/// the program ends if there is not enough.
struct huge_memory {
  explicit huge_memory(std::size_t wanted);
  ~huge_memory();
  huge_memory(const huge_memory&) = delete;
  huge_memory& operator=(const huge_memory&) = delete;

  std::byte* data;
  std::size_t bytes;
};

/// Bytes a second that the best plain loop reads of `bytes`, more than the
/// caches hold, with so many threads: the best of `repeats` passes of each
/// way to read.
double read_rate(const std::byte* data, std::size_t bytes, int threads,
                 int repeats);
