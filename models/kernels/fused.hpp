// a * b + c with one rounding, without a slow call where there is no such
// instruction.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace model_server {

/// std::fma for floats.
inline float fused(float a, float b, float c) {
#ifdef __FP_FAST_FMAF
  return std::fma(a, b, c);
#else
  // The product is exact. Of the sum only the last bit is uncertain: if it was
  // rounded it is made odd, so that rounding again cannot take it for a tie.
  auto product = static_cast<double>(a) * static_cast<double>(b);
  auto sum = product + static_cast<double>(c);
  auto part = sum - product;
  auto error = (product - (sum - part)) + (static_cast<double>(c) - part);
  auto bits = std::bit_cast<std::uint64_t>(sum);
  auto is_inexact = (error < 0.0) | (error > 0.0);
  auto grows = (error > 0.0) == (sum > 0.0);
  if (is_inexact & ((bits & 1) == 0))
    bits += grows ? 1 : ~std::uint64_t{0};
  return static_cast<float>(std::bit_cast<double>(bits));
#endif
}

} // namespace model_server
