// The quantized blocks in which GGUF files hold the rows of a matrix.
#pragma once

#include "models/kernels/packed_layout.hpp"

#include <cstddef>
#include <cstdint>

namespace model_server {

// A row is a run of blocks without gaps. A block holds, in this order (f16 is
// IEEE binary16, little endian; what has no sizes is one byte for each number):
//
//   q4_0    f16 d, nibbles[16]                            (q - 8) * d
//   q4_1    f16 d, f16 m, nibbles[16]                     q * d + m
//   q5_0    f16 d, fifth bits[4], nibbles[16]             (q - 16) * d
//   q5_1    f16 d, f16 m, fifth bits[4], nibbles[16]      q * d + m
//   q8_0    f16 d, q[32]                                  q * d, q with a sign
//   iq4_nl  f16 d, nibbles[16]                            iq4_nl_values[q] * d
//   q4_k    f16 d, f16 e, sm[12], nibbles[128]            q * d * s - e * m
//   q5_k    f16 d, f16 e, sm[12], fifths[32], nibbles[128]         the same
//   q6_k    nibbles[128], upper bits[64], s[16], f16 d    (q - 32) * d * s
//
// Nibbles of 32 numbers: byte i has in its low half the number i, in its high
// half the number i + 16. The fifth bits are those of 32 numbers from the
// lowest bit on. In q4_k and q5_k each 32 bytes have in their low halves one
// group of 32, in their high halves the next; bit g of byte i of the fifths is
// of number i of group g. s and m of the groups 0 to 3 are the lower 6 bits of
// the bytes 0 to 3 and 4 to 7; those of group 4 + i have their lower 4 bits in
// the halves of byte 8 + i, their upper 2 bits on top of the bytes i and 4 + i.
// q6_k is twice 128 numbers, of 4 groups of 32: each 64 bytes of nibbles have
// in their low halves the groups 0 and 1, in their high halves 2 and 3; each 32
// bytes of upper bits have those of group g from bit 2 * g on. Its s have a
// sign, and each is of 16 numbers.

/// The values are those of the types in GGUF files.
enum class ggml_block : std::uint32_t {
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20
};

struct ggml_block_layout {
  std::size_t numbers; // of a block
  std::size_t bytes;
  /// The packed format that is worth the same.
  packed_format packed;
};

constexpr ggml_block_layout layout_of(ggml_block type) {
  switch (type) {
  case ggml_block::q4_0:
    return {32, 18, packed_format::int4};
  case ggml_block::q4_1:
    return {32, 20, packed_format::q4_1};
  case ggml_block::q5_0:
    return {32, 22, packed_format::q5_0};
  case ggml_block::q5_1:
    return {32, 24, packed_format::q5_1};
  case ggml_block::q4_k:
    return {256, 144, packed_format::q4_k};
  case ggml_block::q5_k:
    return {256, 176, packed_format::q5_k};
  case ggml_block::q6_k:
    return {256, 210, packed_format::q6_k};
  case ggml_block::iq4_nl:
    return {32, 18, packed_format::iq4_nl};
  case ggml_block::q8_0:
    break;
  }
  return {32, 34, packed_format::int8};
}

/// Bytes of a row of `columns` numbers, a multiple of those of a block.
constexpr std::size_t ggml_row_bytes(ggml_block type, std::size_t columns) {
  auto layout = layout_of(type);
  return columns / layout.numbers * layout.bytes;
}

} // namespace model_server
