// Products with packed matrices: what the loops take, and the table of them.
#pragma once

#include "models/kernels/packed_input.hpp"
#include "models/kernels/packed_matrix.hpp"

#include <cstddef>

namespace model_server {

/// y = x times the transposed weight, plus bias, for each row of x.
struct packed_product {
  packed_view weight;
  /// One for each output, or null.
  const float* bias = nullptr;
  /// The rows of x, made ready for the same loops and a format of this kind.
  const packed_input* input = nullptr;
  float* y = nullptr; // [rows, weight.rows], `y_stride` numbers apart
  std::size_t y_stride = 0;
  /// Adds to what stands in y.
  bool adds = false;
};

/// One form of the loops for packed matrices. Inputs are rounded to 8 bits with
/// a scale for each group where the weight is quantized, the one of some scales
/// that leaves the least error (see packed_input_loops.hpp), and stay floats
/// where it is bf16. A result is the sum over the groups, in order, of an exact
/// sum of integers times the product of the two scales, each addition fused
/// with its multiplication. Where a format has a base (see packed_layout.hpp),
/// it is added behind each group times the product of the input's scale and the
/// sum of its bytes, fused as well. With scales of 8 groups there is a sum over
/// each 8 groups, of the integers times s, exact too, times the input's scale,
/// and one of m times that product; the first times d and then the second times
/// e are added to the result, fused. For bf16 a result is the sum over the
/// columns in order, fused too. Then the bias is added, and the sum to y. So
/// its bits do not depend on the other rows, the ranges of blocks, the threads
/// or the form, and a row with a number that is not finite gets results that
/// are not, and spoils no other row. (With numbers so large that the product of
/// two scales overflows, a result may not be finite either.)
struct packed_kernels {
  const char* name;

  /// How many rows pass by a weight together.
  tile_limits quantized_tiles;
  tile_limits float_tiles;

  /// Makes the rows `begin` to `end` of x ready; row r begins at
  /// x + r * x_stride. Different ranges may be made by different threads.
  void (*prepare)(const float* x, std::size_t x_stride, packed_input& input,
                  std::size_t begin, std::size_t end);

  /// The outputs of the blocks `begin` to `end`, for all rows. Different ranges
  /// may be multiplied by different threads; keeps memory for each of these.
  void (*multiply)(const packed_product& task, std::size_t begin,
                   std::size_t end);
};

/// Into how many tasks a pool of `threads` should cut a product with `rows`
/// rows: enough for an even share, each long enough to read in long runs.
std::size_t tasks_of(const packed_view& weight, std::size_t rows, int threads);

/// Where one of `tasks` tasks begins, in blocks; the one behind the last begins
/// behind the last block.
constexpr std::size_t first_block(const packed_view& weight, std::size_t task,
                                  std::size_t tasks) {
  return task * packed_blocks(weight.rows) / tasks;
}

} // namespace model_server
