// The exponential function in a form that compilers turn into vector code.
#pragma once

#include <bit>
#include <cstdint>

namespace model_server {

/// e to the power of `x`, which is at most 0 and may be minus infinity; within
/// 2 units in the last place down to e^-87, below that 0. The same bits on
/// every processor that does not fuse multiplication and addition.
inline float exp_of_negative(float x) {
  constexpr float least = -87.0f;
  constexpr float round_to_whole = 0x1.8p23f;
  auto clamped = x < least ? least : x;
  // x = n ln 2 + r, with ln 2 in two parts so that the product is exact.
  auto shifted = clamped * 1.44269504f + round_to_whole;
  auto n = shifted - round_to_whole;
  auto r = clamped - n * 0.693359375f - n * -2.12194440e-4f;
  // Taylor's terms, adjusted for [-ln 2 / 2, ln 2 / 2].
  auto p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // The low bits of `shifted` are n; moved up they are an exponent.
  auto scale = std::bit_cast<float>(
      (std::bit_cast<std::uint32_t>(shifted) << 23) + 0x3F800000u);
  return x < least ? 0.0f : p * scale;
}

} // namespace model_server
