// Packs matrices that are quantized already, as they are.
#pragma once

#include "models/kernels/ggml_blocks.hpp"

#include <cstddef>

namespace model_server {

/// Packs the blocks `begin` to `end` of a matrix in the format that is worth
/// the same as `type`, `layout_of(type).packed`: no number is rounded. `from`
/// holds the rows one behind the other, `ggml_row_bytes` each; `columns` is a
/// multiple of the numbers of their blocks. `to` is where the packed block 0
/// goes. Ranges may be packed by several threads at once, and the bytes do not
/// depend on the ranges.
void repack_blocks(ggml_block type, const std::byte* from, std::size_t rows,
                   std::size_t columns, std::byte* to, std::size_t begin,
                   std::size_t end);

} // namespace model_server
