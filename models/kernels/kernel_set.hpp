// The loops that a network spends its time in, in several forms.
#pragma once

#include "models/weights/number_format.hpp"

#include <cstddef>
#include <span>

namespace model_server {

struct packed_kernels;

/// A stored matrix, row by row: `rows` outputs of `columns` inputs each.
struct matrix_view {
  /// f32, bf16 or f16; `data` is aligned for it.
  number_format format = number_format::f32;
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
};

/// y = x times the transposed weight, plus bias, for each row of x.
struct product {
  matrix_view weight;
  /// One for each output, or null.
  const float* bias = nullptr;
  const float* x = nullptr; // [rows, weight.columns]
  std::size_t rows = 0;
  float* y = nullptr; // [rows, weight.rows], `y_stride` numbers apart
  std::size_t y_stride = 0;
  /// Adds to what stands in y.
  bool adds = false;
};

/// Keys and values of one sequence, one layer and one key head. They lie in
/// blocks of 16 tokens: keys as [head, 16], values as [16, width].
struct attention_view {
  const float* const* blocks = nullptr;
  /// Where keys and values begin in each block.
  std::size_t keys = 0;
  std::size_t values = 0;
  /// Numbers in a head, and those rounded up to a multiple of 16.
  std::size_t head = 0;
  std::size_t width = 0;
};

inline constexpr std::size_t kv_block_tokens = 16;

/// Rows that one call of `attend` takes.
inline constexpr std::size_t max_attend_rows = 8;

/// One form of the loops. Every number of a result is computed in one order of
/// operations that does not depend on the other rows or on how the work is cut
/// up, and that is the same in every form on a processor that fuses
/// multiplication and addition.
struct kernel_set {
  const char* name;

  /// The outputs `begin` to `end` of a product.
  void (*multiply)(const product& task, std::size_t begin, std::size_t end);

  /// y = x / rms(x) * weight.
  void (*rms_norm)(const float* x, const float* weight, float epsilon, float* y,
                   std::size_t count);

  /// gate = silu(gate) * up.
  void (*swiglu)(float* gate, const float* up, std::size_t count);

  /// Turns a head, whose halves are the two coordinates, and scales it. `x` and
  /// `y` may be the same.
  void (*rotate)(const float* x, const float* cosines, const float* sines,
                 float scale, float* y, std::size_t half);

  /// Attention of `rows` queries, [rows, width] and already scaled; each sees
  /// the first `limits[row]` tokens, at least one. `scores` has room for
  /// `rows` times the largest limit rounded up to 16. `out` is [rows, width].
  void (*attend)(const attention_view& cache, const float* queries,
                 const std::size_t* limits, std::size_t rows, float* scores,
                 float* out);

  /// Products with packed matrices: packed_product.hpp.
  const packed_kernels* packed;
};

/// The forms that this processor can run, the fastest first; never empty.
std::span<const kernel_set* const> usable_kernels();

/// The fastest form, or the one that the environment variable MODEL_SERVER_ISA
/// names: avx512, avx2 or plain. Throws `std::runtime_error` if it names
/// another one or one that this processor cannot run.
const kernel_set& best_kernels();

} // namespace model_server
