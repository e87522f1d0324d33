// Lays out inputs, and cuts products into tasks.
#include "models/kernels/packed_input.hpp"

#include "models/kernels/packed_product.hpp"

namespace model_server {

void packed_input::reset(const packed_kernels& kernels, packed_format format,
                         std::size_t rows, std::size_t columns) {
  auto quantized = model_server::is_quantized(format);
  auto limits = quantized ? kernels.quantized_tiles : kernels.float_tiles;
  rows_ = rows;
  columns_ = columns;
  steps_ = packed_steps(format, columns);
  step_bytes_ = quantized ? quantized_step_bytes : float_step_bytes;
  tiles_ = rows <= limits.alone ? 1 : (rows + limits.most - 1) / limits.most;
  memory_.reserve(rows_ * steps_ * step_bytes_ / sizeof(float));
}

std::size_t tasks_of(const packed_view& weight, std::size_t rows, int threads) {
  auto blocks = packed_blocks(weight.rows);
  if (threads < 2)
    return 1;
  // About 10 us of reading, or of computing with many rows.
  constexpr std::size_t bytes_of_task = 96 * 1024;
  constexpr std::size_t rows_like_reading = 8;
  auto work = blocks * packed_block_bytes(weight.format, weight.columns)
              * std::max<std::size_t>(rows / rows_like_reading, 1);
  auto tasks = (work + bytes_of_task - 1) / bytes_of_task;
  // A multiple of the threads, but a few blocks each for panels to be shared.
  constexpr std::size_t least_blocks = 4;
  auto each = static_cast<std::size_t>(threads);
  tasks = std::min(tasks, std::max(blocks / least_blocks, each));
  tasks = (tasks + each - 1) / each * each;
  return std::clamp<std::size_t>(tasks, 1, std::max<std::size_t>(blocks, 1));
}

} // namespace model_server
