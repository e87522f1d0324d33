// Packs the matrices of a network when it is loaded.
#include "models/nets/packing.hpp"

#include "models/cores.hpp"
#include "models/kernels/packed_repack.hpp"
#include "models/weights/dequantise.hpp"

#include <algorithm>
#include <vector>

namespace model_server {

namespace {

// Blocks of a task: long enough not to be noticed, short enough to be shared.
constexpr std::size_t task_blocks = 4;

std::size_t bytes_of(const linear_weights& item, packed_format format) {
  return packed_bytes(format, item.outputs(), item.inputs());
}

std::optional<ggml_block> block_type(number_format stored) {
  switch (stored) {
  case number_format::q4_0:
    return ggml_block::q4_0;
  case number_format::q4_1:
    return ggml_block::q4_1;
  case number_format::q5_0:
    return ggml_block::q5_0;
  case number_format::q5_1:
    return ggml_block::q5_1;
  case number_format::q8_0:
    return ggml_block::q8_0;
  case number_format::q4_k:
    return ggml_block::q4_k;
  case number_format::q5_k:
    return ggml_block::q5_k;
  case number_format::q6_k:
    return ggml_block::q6_k;
  case number_format::iq4_nl:
    return ggml_block::iq4_nl;
  default:
    return std::nullopt;
  }
}

// Packs rows of blocks by way of floats.
void pack_dequantised(const matrix_view& from, packed_format format,
                      std::byte* to, std::size_t begin, std::size_t end) {
  auto block = block_of(from.format);
  auto first = begin * packed_block_rows;
  auto rows = std::min(from.rows, end * packed_block_rows) - first;
  auto row_bytes = from.columns / block.numbers * block.bytes;
  std::vector<float> floats(rows * from.columns);
  dequantise(from.format,
             {static_cast<const std::byte*>(from.data) + first * row_bytes,
              rows * row_bytes},
             floats.data());
  matrix_view part{number_format::f32, floats.data(), rows, from.columns};
  pack_blocks(part, format,
              to + begin * packed_block_bytes(format, from.columns), 0,
              end - begin);
}

} // namespace

std::optional<packed_format> packed_format_of(number_format stored) {
  auto type = block_type(stored);
  return type ? std::optional{layout_of(*type).packed} : std::nullopt;
}

void pack_matrix(const matrix_view& from, packed_format format, std::byte* to,
                 thread_pool& pool) {
  auto blocks = packed_blocks(from.rows);
  auto is_kept = packed_format_of(from.format) == format;
  pool.run((blocks + task_blocks - 1) / task_blocks, [&](std::size_t task) {
    auto begin = task * task_blocks;
    auto end = std::min(blocks, begin + task_blocks);
    if (is_kept)
      repack_blocks(*block_type(from.format),
                    static_cast<const std::byte*>(from.data), from.rows,
                    from.columns, to, begin, end);
    else if (is_blocked(from.format))
      pack_dequantised(from, format, to, begin, end);
    else
      pack_blocks(from, format, to, begin, end);
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
