// Matrices in the order in which the kernels read them, as they also lie in
// files.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/kernels/packed_layout.hpp"

#include <cstddef>

namespace model_server {

/// A packed matrix in memory that someone else owns.
struct packed_view {
  packed_format format = packed_format::int8;
  /// Aligned to `packed_alignment`.
  const std::byte* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// Whether `pack_blocks` knows how to write this format.
constexpr bool can_pack(packed_format format) {
  return format == packed_format::int8 || format == packed_format::int4
         || format == packed_format::bf16;
}

/// Packs the blocks `begin` to `end` of a matrix as int8, int4 or bf16; `to` is
/// where its block 0 goes. Ranges may be packed by several threads at once, and
/// the bytes do not depend on the ranges. int8 is within half a step of each
/// number, the step being a 127th of the largest of the group rounded to
/// binary16. int4 takes the best of several steps by the sum of squared errors,
/// llama.cpp's Q4_0 among them. A group with a number that is not finite, or
/// whose step binary16 cannot hold, gets NaN for its scale: products show it.
void pack_blocks(const matrix_view& from, packed_format format, std::byte* to,
                 std::size_t begin, std::size_t end);

/// What the numbers of one row are worth, `columns` of them: exactly, or for
/// the sum of two products rounded once.
void unpack_row(const packed_view& from, std::size_t row, float* to);

} // namespace model_server
