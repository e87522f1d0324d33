// Matrices in the order in which the kernels read them, as they also lie in
// files.
#pragma once

#include "models/kernels/kernel_set.hpp"

#include <cstddef>
#include <cstdint>

namespace model_server {

// A packed matrix is a row of blocks, one behind the other, each of 16 outputs
// (rows of the matrix) and all of its inputs (columns). Outputs and inputs that
// do not exist are 0. Numbers are little endian, and the bytes are the same on
// every processor. A block begins at a multiple of 64 bytes and holds:
//
//   int8  for each group of 32 inputs 8 lines of 64 bytes, each of 4 inputs:
//         [16 outputs][4 inputs], a byte q worth (q - 128) * scale
//   int4  for each group 4 lines, each of 8 inputs: [16 outputs][4 inputs],
//         the low half of a byte for the first four, the high half for the last
//         four; 4 bits q worth (q - 8) * scale
//   both  behind these the scales, IEEE binary16, [groups][16 outputs], then 0
//         up to a multiple of 64 bytes
//   bf16  for each 2 inputs a line: [16 outputs][2 inputs]

/// How a packed matrix writes its numbers. The values stand in files.
enum class packed_format : std::uint32_t { int8 = 1, int4 = 2, bf16 = 3 };

inline constexpr std::size_t packed_block_rows = 16;
inline constexpr std::size_t packed_group = 32;
inline constexpr std::size_t packed_alignment = 64;

/// Whether the numbers of a format are integers with a scale for each group.
constexpr bool is_quantized(packed_format format) {
  return format != packed_format::bf16;
}

/// A packed matrix in memory that someone else owns.
struct packed_view {
  packed_format format = packed_format::int8;
  /// Aligned to `packed_alignment`.
  const std::byte* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
};

constexpr std::size_t packed_blocks(std::size_t rows) {
  return (rows + packed_block_rows - 1) / packed_block_rows;
}

/// Groups of inputs, or pairs of them for bf16: what the kernels take at once.
constexpr std::size_t packed_steps(packed_format format, std::size_t columns) {
  std::size_t step = is_quantized(format) ? packed_group : 2;
  return (columns + step - 1) / step;
}

/// Bytes of a step's numbers.
constexpr std::size_t packed_step_bytes(packed_format format) {
  constexpr std::size_t line = 64;
  return format == packed_format::int8   ? 8 * line
         : format == packed_format::int4 ? 4 * line
                                         : line;
}

/// Where in a block its scales begin; for bf16 where it ends.
constexpr std::size_t packed_scales_offset(packed_format format,
                                           std::size_t columns) {
  return packed_steps(format, columns) * packed_step_bytes(format);
}

/// Bytes from one block to the next.
constexpr std::size_t packed_block_bytes(packed_format format,
                                         std::size_t columns) {
  auto numbers = packed_scales_offset(format, columns);
  if (!is_quantized(format))
    return numbers;
  auto scales = packed_steps(format, columns) * packed_block_rows * 2;
  return numbers
         + (scales + packed_alignment - 1) / packed_alignment
               * packed_alignment;
}

/// Bytes of a whole matrix.
constexpr std::size_t packed_bytes(packed_format format, std::size_t rows,
                                   std::size_t columns) {
  return packed_blocks(rows) * packed_block_bytes(format, columns);
}

/// Packs the blocks `begin` to `end` of a matrix; `to` is where its block 0
/// goes. Ranges may be packed by several threads at once, and the bytes do not
/// depend on the ranges. int8 is within half a step of each number, the step
/// being a 127th of the largest of the group rounded to binary16. int4 takes
/// the best of several steps by the sum of squared errors, llama.cpp's Q4_0
/// among them. A group with a number that is not finite, or whose step
/// binary16 cannot hold, gets NaN for its scale: products show it.
void pack_blocks(const matrix_view& from, packed_format format, std::byte* to,
                 std::size_t begin, std::size_t end);

/// What the numbers of one row are worth, `columns` of them, exactly.
void unpack_row(const packed_view& from, std::size_t row, float* to);

} // namespace model_server
