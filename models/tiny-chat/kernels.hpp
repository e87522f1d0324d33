// The loops of the training that are not matrix products, forward and backward.
#pragma once

#include <bit>
#include <cstdint>

namespace model_server::tiny_chat {

/// A bfloat16 number: the upper half of a float.
struct short_float {
  std::uint16_t bits;

  short_float() = default;

  /// Rounds to nearest, ties to even.
  explicit short_float(float value) {
    auto all = std::bit_cast<std::uint32_t>(value);
    bits =
        static_cast<std::uint16_t>((all + 0x7FFFU + ((all >> 16) & 1U)) >> 16);
  }

  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

// Matrix products are taken of numbers of type T, `short_float` or `float`;
// what is added up over the layers and its gradients are floats.

/// y = x / rms(x) * w for each of `rows` rows; keeps 1 / rms(x) in `inverse`.
template <class T>
void rms_norm(const float* x, const float* w, T* y, float* inverse,
              std::int64_t rows, std::int64_t width, float epsilon);

/// Gradients of `rms_norm`; `dw` is overwritten.
template <class T>
void rms_norm_backward(const T* dy, const float* x, const float* w,
                       const float* inverse, float* dx, float* dw,
                       std::int64_t rows, std::int64_t width);

/// y = silu(gate) * up, where a row of `x` is gate, then up.
template <class T>
void swiglu(const T* x, T* y, std::int64_t rows, std::int64_t width);

/// Gradient of `swiglu`.
template <class T>
void swiglu_backward(const T* dy, const T* x, T* dx, std::int64_t rows,
                     std::int64_t width);

/// y = x + delta with each number of delta set to 0 with probability `rate`
/// and the others scaled up. The choice depends on `seed` and place alone.
template <class T>
void add_dropped(const float* x, const T* delta, float* y, float rate,
                 std::uint64_t seed, std::int64_t count);

/// Gradient of `add_dropped` for delta; the one for x is `dy`.
template <class T>
void add_dropped_backward(const float* dy, T* ddelta, float rate,
                          std::uint64_t seed, std::int64_t count);

} // namespace model_server::tiny_chat
