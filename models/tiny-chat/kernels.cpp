// The loops, written so that the compiler vectorises them.
#include "models/tiny-chat/kernels.hpp"

#include <algorithm>
#include <cmath>

namespace model_server::tiny_chat {

namespace {

/// Returns 0 or `kept`, by a hash of seed and place.
inline float drop_factor(std::uint32_t place, std::uint32_t seed,
                         std::uint32_t limit, float kept) {
  auto x = (place ^ seed) * 0x9E3779B1U;
  x = (x ^ (x >> 15)) * 0x85EBCA77U;
  x = (x ^ (x >> 13)) * 0xC2B2AE3DU;
  return (x ^ (x >> 16)) < limit ? 0.0F : kept;
}

std::uint32_t drop_limit(float rate) {
  return static_cast<std::uint32_t>(static_cast<double>(rate) * 4294967295.0);
}

std::uint32_t folded(std::uint64_t seed) {
  return static_cast<std::uint32_t>(seed ^ (seed >> 32));
}

} // namespace

template <class T>
void rms_norm(const float* x, const float* w, T* y, float* inverse,
              std::int64_t rows, std::int64_t width, float epsilon) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* from = x + row * width;
    auto* to = y + row * width;
    float sum = 0;
    for (std::int64_t i = 0; i < width; ++i)
      sum += from[i] * from[i];
    auto factor = 1 / std::sqrt(sum / static_cast<float>(width) + epsilon);
    for (std::int64_t i = 0; i < width; ++i)
      to[i] = T(from[i] * factor * w[i]);
    inverse[row] = factor;
  }
}

template <class T>
void rms_norm_backward(const T* dy, const float* x, const float* w,
                       const float* inverse, float* dx, float* dw,
                       std::int64_t rows, std::int64_t width) {
  std::fill_n(dw, width, 0.0F);
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* slope = dy + row * width;
    const auto* from = x + row * width;
    auto* to = dx + row * width;
    auto factor = inverse[row];
    float dot = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      dot += float(slope[i]) * w[i] * from[i];
      dw[i] += float(slope[i]) * from[i] * factor;
    }
    auto pull = dot * factor * factor / static_cast<float>(width);
    for (std::int64_t i = 0; i < width; ++i)
      to[i] = factor * (float(slope[i]) * w[i] - from[i] * pull);
  }
}

template <class T>
void swiglu(const T* x, T* y, std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* gates = x + row * 2 * width;
    const auto* ups = gates + width;
    auto* to = y + row * width;
    for (std::int64_t i = 0; i < width; ++i) {
      auto gate = float(gates[i]);
      to[i] = T(gate / (1 + std::exp(-gate)) * float(ups[i]));
    }
  }
}

template <class T>
void swiglu_backward(const T* dy, const T* x, T* dx, std::int64_t rows,
                     std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto* gates = x + row * 2 * width;
    const auto* ups = gates + width;
    const auto* slopes = dy + row * width;
    auto* dgates = dx + row * 2 * width;
    auto* dups = dgates + width;
    for (std::int64_t i = 0; i < width; ++i) {
      auto gate = float(gates[i]);
      auto slope = float(slopes[i]);
      auto sigmoid = 1 / (1 + std::exp(-gate));
      dgates[i] =
          T(slope * float(ups[i]) * sigmoid * (1 + gate * (1 - sigmoid)));
      dups[i] = T(slope * gate * sigmoid);
    }
  }
}

template <class T>
void add_dropped(const float* x, const T* delta, float* y, float rate,
                 std::uint64_t seed, std::int64_t count) {
  auto limit = drop_limit(rate);
  auto kept = 1 / (1 - rate);
  auto key = folded(seed);
  auto end = static_cast<std::uint32_t>(count);
  for (std::uint32_t i = 0; i < end; ++i)
    y[i] = x[i] + float(delta[i]) * drop_factor(i, key, limit, kept);
}

template <class T>
void add_dropped_backward(const float* dy, T* ddelta, float rate,
                          std::uint64_t seed, std::int64_t count) {
  auto limit = drop_limit(rate);
  auto kept = 1 / (1 - rate);
  auto key = folded(seed);
  auto end = static_cast<std::uint32_t>(count);
  for (std::uint32_t i = 0; i < end; ++i)
    ddelta[i] = T(dy[i] * drop_factor(i, key, limit, kept));
}

#define INSTANTIATE(T)                                                         \
  template void rms_norm(const float*, const float*, T*, float*, std::int64_t, \
                         std::int64_t, float);                                 \
  template void rms_norm_backward(const T*, const float*, const float*,        \
                                  const float*, float*, float*, std::int64_t,  \
                                  std::int64_t);                               \
  template void swiglu(const T*, T*, std::int64_t, std::int64_t);              \
  template void swiglu_backward(const T*, const T*, T*, std::int64_t,          \
                                std::int64_t);                                 \
  template void add_dropped(const float*, const T*, float*, float,             \
                            std::uint64_t, std::int64_t);                      \
  template void add_dropped_backward(const float*, T*, float, std::uint64_t,   \
                                     std::int64_t);

INSTANTIATE(float)
INSTANTIATE(short_float)
#undef INSTANTIATE

} // namespace model_server::tiny_chat
