// The order in which the numbers of packed matrices lie, and their sizes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace model_server {

// A packed matrix is a row of blocks, one behind the other, each of 16 outputs
// (rows of the matrix) and all of its inputs (columns). Outputs and inputs that
// do not exist are 0. Numbers are little endian, and the bytes are the same on
// every processor. A block begins at a multiple of 64 bytes and holds, for each
// group of 32 inputs, lines of 64 bytes:
//
//   8 bits  8 lines, each of 4 inputs: [16 outputs][4 inputs]
//   4 bits  4 lines, each of 8 inputs: [16 outputs][4 inputs], the low half of
//           a byte for the first four, the high half for the last four
//   5 bits  a line of fifth bits, then 4 lines as for 4 bits: in the byte
//           [output][i] of the first line bit b is that of input 4 * b + i
//   6 bits  twice, for 16 inputs, a line of upper bits, then 2 lines as for 4
//           bits: in the byte [output][i] of the first line the two bits from
//           2 * b on are those of input 4 * b + i
//
// Behind these it holds what each group adds to them, then what each 8 groups
// add, each [16 outputs] of a number, and 0 up to a multiple of 64 bytes. The
// numbers of 16 bits are IEEE binary16. q is worth
//
//             q       worth                       of a group      of 8 groups
//   int8      8 bits  (q - 128) * scale           scale
//   int4      4 bits  (q - 8) * scale             scale
//   q5_0      5 bits  (q - 16) * scale            scale
//   iq4_nl    4 bits  iq4_nl_values[q] * scale    scale
//   q4_1      4 bits  q * scale + base            scale, base
//   q5_1      5 bits  q * scale + base            scale, base
//   q4_k      4 bits  q * d * s + e * m           s, m: 8 bits    d, e
//   q5_k      5 bits  q * d * s + e * m           s, m: 8 bits    d, e
//   q6_k      6 bits  (q - 32) * d * s            s: see below    d
//
// where s and m are from 0 to 63, but those of q6_k, of which each 16 inputs
// have one, from -128 to 127: [16 outputs][2]. All but int8 and int4 are there
// for what GGUF files hold, and are worth exactly the same. A matrix of bf16 is
// nothing but a line for each 2 inputs: [16 outputs][2 inputs].
//
// Bits a number: int8 8.5, int4 4.5, q5_0 5.5, iq4_nl 4.5, q4_1 5, q5_1 6, q4_k
// 4.625 and q5_k 5.625 (an eighth more than in GGUF, where s and m have 6
// bits), q6_k 6.5625, bf16 16.

/// How a packed matrix writes its numbers. The values stand in files.
enum class packed_format : std::uint32_t {
  int8 = 1,
  int4 = 2,
  bf16 = 3,
  q4_k = 4,
  q6_k = 5,
  q5_k = 6,
  q5_0 = 7,
  q4_1 = 8,
  q5_1 = 9,
  iq4_nl = 10
};

inline constexpr std::size_t packed_block_rows = 16;
inline constexpr std::size_t packed_group = 32;
inline constexpr std::size_t packed_alignment = 64;
/// Groups that share d and e.
inline constexpr std::size_t packed_super_groups = 8;

/// What the 4 bits of iq4_nl stand for.
inline constexpr std::int8_t iq4_nl_values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Whether the numbers of a format are integers with a scale for each group.
constexpr bool is_quantized(packed_format format) {
  return format != packed_format::bf16;
}

/// What the steps of a block take up: groups of inputs, or pairs of them for
/// bf16. In bytes, but `bits` and `inputs`.
struct packed_layout {
  std::size_t bits;
  std::size_t inputs;
  std::size_t numbers;
  std::size_t scales;
  /// Of 8 groups.
  std::size_t super_scales;
};

constexpr packed_layout layout_of(packed_format format) {
  constexpr std::size_t line = 64;
  constexpr std::size_t halves = 2 * packed_block_rows;
  switch (format) {
  case packed_format::int8:
    return {8, packed_group, 8 * line, halves, 0};
  case packed_format::int4:
  case packed_format::iq4_nl:
    return {4, packed_group, 4 * line, halves, 0};
  case packed_format::q4_1:
    return {4, packed_group, 4 * line, 2 * halves, 0};
  case packed_format::q4_k:
    return {4, packed_group, 4 * line, 2 * packed_block_rows, 2 * halves};
  case packed_format::q5_0:
    return {5, packed_group, 5 * line, halves, 0};
  case packed_format::q5_1:
    return {5, packed_group, 5 * line, 2 * halves, 0};
  case packed_format::q5_k:
    return {5, packed_group, 5 * line, 2 * packed_block_rows, 2 * halves};
  case packed_format::q6_k:
    return {6, packed_group, 6 * line, 2 * packed_block_rows, halves};
  case packed_format::bf16:
    break;
  }
  return {16, 2, line, 0, 0};
}

constexpr std::size_t packed_blocks(std::size_t rows) {
  return (rows + packed_block_rows - 1) / packed_block_rows;
}

/// Groups of inputs, or pairs of them for bf16: what the kernels take at once.
constexpr std::size_t packed_steps(packed_format format, std::size_t columns) {
  auto step = layout_of(format).inputs;
  return (columns + step - 1) / step;
}

/// Bytes of a step's numbers.
constexpr std::size_t packed_step_bytes(packed_format format) {
  return layout_of(format).numbers;
}

/// Where in a block its scales begin; for bf16 where it ends.
constexpr std::size_t packed_scales_offset(packed_format format,
                                           std::size_t columns) {
  return packed_steps(format, columns) * packed_step_bytes(format);
}

/// Where in a block the scales of 8 groups each begin.
constexpr std::size_t packed_super_scales_offset(packed_format format,
                                                 std::size_t columns) {
  auto layout = layout_of(format);
  return packed_steps(format, columns) * (layout.numbers + layout.scales);
}

/// Bytes from one block to the next.
constexpr std::size_t packed_block_bytes(packed_format format,
                                         std::size_t columns) {
  auto supers = (packed_steps(format, columns) + packed_super_groups - 1)
                / packed_super_groups;
  auto bytes = packed_super_scales_offset(format, columns)
               + supers * layout_of(format).super_scales;
  return (bytes + packed_alignment - 1) / packed_alignment * packed_alignment;
}

/// Bytes of a whole matrix.
constexpr std::size_t packed_bytes(packed_format format, std::size_t rows,
                                   std::size_t columns) {
  return packed_blocks(rows) * packed_block_bytes(format, columns);
}

} // namespace model_server
