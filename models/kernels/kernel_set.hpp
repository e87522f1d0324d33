// The loops that a network spends its time in, in several forms.
#pragma once

#include "models/weights/number_format.hpp"

#include <cstddef>
#include <span>

namespace model_server {

struct attention_kernels;
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

/// What a feed-forward network does with its inner numbers.
enum class activation {
  silu,
  /// With the normal distribution itself.
  gelu,
  /// With the approximation by tanh.
  gelu_tanh,
  relu,
  relu_squared,
  /// x * sigmoid(1.702 x)
  quick_gelu,
  /// quick_gelu(gate) * (up + 1), of gates of at most 7 and ups between -7 and
  /// 7 (gpt-oss). Always has a gate.
  clamped_swiglu
};

/// One form of the loops. Every number of a result is computed in one order of
/// operations that does not depend on the other rows or on how the work is cut
/// up, and that is the same in every form. (Only `multiply` of the plain form
/// rounds twice where the compiler does not know that the processor fuses
/// multiplication and addition.)
struct kernel_set {
  const char* name;

  /// The outputs `begin` to `end` of a product.
  void (*multiply)(const product& task, std::size_t begin, std::size_t end);

  /// y = x / rms(x) * weight.
  void (*rms_norm)(const float* x, const float* weight, float epsilon, float* y,
                   std::size_t count);

  /// y = (x - mean) / deviation * weight + bias; no bias if it is null. `x` and
  /// `y` may be the same.
  void (*layer_norm)(const float* x, const float* weight, const float* bias,
                     float epsilon, float* y, std::size_t count);

  /// gate = f(gate) * up, or f(gate) if `up` is null. All within 5e-7 of f, or
  /// within 5e-7 times f where that is more.
  void (*activate)(activation kind, float* gate, const float* up,
                   std::size_t count);

  /// Turns a head, whose halves are the two coordinates, and scales it. `x` and
  /// `y` may be the same.
  void (*rotate)(const float* x, const float* cosines, const float* sines,
                 float scale, float* y, std::size_t half);

  /// Attention over a cache in blocks: attention.hpp.
  const attention_kernels* attention;

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
