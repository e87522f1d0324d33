// Packs the matrices of a network when it is loaded.
#include "models/nets/packing.hpp"

#include "models/cores.hpp"

#include <algorithm>

namespace model_server {

namespace {

// Blocks of a task: long enough not to be noticed, short enough to be shared.
constexpr std::size_t task_blocks = 4;

std::size_t bytes_of(const linear_weights& item, packed_format format) {
  return packed_bytes(format, item.outputs(), item.inputs());
}

} // namespace

void pack_matrix(const matrix_view& from, packed_format format, std::byte* to,
                 thread_pool& pool) {
  auto blocks = packed_blocks(from.rows);
  pool.run((blocks + task_blocks - 1) / task_blocks, [&](std::size_t task) {
    auto begin = task * task_blocks;
    pack_blocks(from, format, to, begin, std::min(blocks, begin + task_blocks));
  });
}

packed_memory pack(std::span<const packing_job> jobs, const load_watch& watch) {
  std::size_t size = 0;
  for (const auto& job : jobs)
    size += bytes_of(*job.matrix, job.format);
  packed_memory result{size};
  thread_pool pool{usable_cores()};
  auto* to = result.data();
  for (auto [item, format] : jobs) {
    pack_matrix(item->plain, format, to, pool);
    item->packed = packed_view{format, to, item->outputs(), item->inputs()};
    item->plain.data = nullptr;
    item->storage = {};
    to += bytes_of(*item, format);
    if (watch)
      watch(static_cast<double>(to - result.data())
            / static_cast<double>(size));
  }
  return result;
}

} // namespace model_server
